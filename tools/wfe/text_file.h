// A text that a command is given.
#pragma once

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "engine/base/result.h"

namespace wfe::cli {

/// All of a file, or of standard input for "-".
inline Result<std::string> ReadTextFile(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  if (!in) return InvalidArgument("cannot open " + file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// Writes it whole, or says so.
inline Status WriteTextFile(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return Unavailable("cannot write " + file);
  return Ok();
}

}  // namespace wfe::cli
