#pragma once
// Counts what a test allocates. Linking allocation_counter.cc replaces the program's operator new.

namespace burnish::testing {

/// Counts calls of any operator new, by any thread, while it lives. One at a time.
class AllocationCounter {
 public:
  AllocationCounter();
  ~AllocationCounter();
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;
  static int count();
};

}  // namespace burnish::testing
