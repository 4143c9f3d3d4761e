identity
config{}