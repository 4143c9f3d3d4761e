

trace_level

TIMESTAMPSidentity