// A text that a command is given.
#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <system_error>

#include "engine/base/result.h"

namespace wfe::cli {

/// All of a file, or of standard input for "-".  A directory can be opened and has no text, but it is none.
inline Result<std::string> ReadTextFile(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) return InvalidArgument(file + " is a directory and no file");
  std::ifstream in(file, std::ios::binary);
  if (!in) return InvalidArgument("cannot open " + file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// Writes it whole, or says so.  INVALID_ARGUMENT: it cannot be written there.
inline Status WriteTextFile(const std::string& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return InvalidArgument("cannot write " + file + ": " + std::strerror(errno));
  return Ok();
}

}  // namespace wfe::cli
