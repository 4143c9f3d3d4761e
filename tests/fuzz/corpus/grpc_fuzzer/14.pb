
region/key @