
identity*!
INPUT0UINT64**
€€€€€€€€€