
identity*
INPUT0BYTES*Btext