// gRPC's resolver (c-ares) keeps some strings until the process ends and never frees them.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier): LeakSanitizer's name
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:ares_strdup\n";
}
