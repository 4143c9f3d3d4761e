
identity*
INPUT0UINT16*"ÿÿ