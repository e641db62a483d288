// A directory that goes when its owner goes.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace wfe::cli {

class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> Make(std::string_view name) {
    std::error_code error;
    const auto parent = std::filesystem::canonical(std::filesystem::temp_directory_path(error), error);
    std::string pattern = (parent / (std::string(name) + "-XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr) return Internal("cannot make a temporary directory like " + pattern);
    return TemporaryDirectory(std::move(pattern));
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace wfe::cli
