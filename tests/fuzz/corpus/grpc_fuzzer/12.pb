
identity1