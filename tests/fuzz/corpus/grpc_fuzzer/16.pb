

log_info

log_verbose_level