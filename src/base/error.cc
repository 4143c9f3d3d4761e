#include "base/error.h"

namespace burnish {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kInvalidModel:
      return "invalid_model";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kMismatch:
      return "mismatch";
    case ErrorCode::kAccuracy:
      return "accuracy";
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 2;
    case ErrorCode::kInvalidModel:
      return 3;
    case ErrorCode::kUnsupported:
      return 4;
    case ErrorCode::kIo:
      return 5;
    case ErrorCode::kCorrupt:
      return 6;
    case ErrorCode::kMismatch:
      return 7;
    case ErrorCode::kAccuracy:
      return 9;
    case ErrorCode::kOutOfMemory:
      return 8;
    case ErrorCode::kInternal:
      return 70;
  }
  return 70;
}

Error& Error::with_hint(std::string hint) {
  hint_ = std::move(hint);
  format();
  return *this;
}

void Error::add_frame(std::string frame) {
  frames_.insert(frames_.begin(), std::move(frame));
  format();
}

void Error::format() {
  what_.clear();
  for (size_t i = 0; i < frames_.size(); ++i) what_ += frames_[i] + (i + 1 < frames_.size() ? " → " : ": ");
  what_ += message_;
  if (!hint_.empty()) what_ += "\n  hint: " + hint_;
}

}  // namespace burnish
