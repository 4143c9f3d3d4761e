#pragma once
// A user's own measure of accuracy: a command that gets a folder of outputs and prints a number.
#include <string>

namespace burnish {

/// An empty folder of its own that goes with it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs the command in a shell with the folder as last argument. The last word that it prints is the metric. Throws
/// kInvalidArgument with the status when it fails, and with its output when that does not end in a finite number.
double measure_by_command(const std::string& command, const std::string& folder);

}  // namespace burnish
