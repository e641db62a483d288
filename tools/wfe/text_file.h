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

/// NOT_FOUND, exit code 4, where somebody named a file or a directory that is not there: every command says so by these.
inline Status CheckFileIsThere(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(file, ignored)) ? Ok()
                                                                                  : NotFound("there is no file " + file);
}
inline Status CheckDirectoryIsThere(const std::string& directory) {
  std::error_code ignored;
  return std::filesystem::is_directory(directory, ignored) ? Ok() : NotFound("there is no directory " + directory);
}

/// All of a file, or of standard input for "-".  A directory can be opened and has no text, but it is none.
inline Result<std::string> ReadTextFile(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::error_code ignored;
  WFE_RETURN_IF_ERROR(CheckFileIsThere(file));
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
