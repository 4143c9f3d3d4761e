
identity*)
INPUT0INT64*ÿÿÿÿÿÿÿÿÿ€€€€€€€€