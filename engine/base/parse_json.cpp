#include "engine/base/parse_json.h"

#include <nlohmann/json.hpp>

namespace wfe {
namespace {

/// "line 3, column 5" of a byte, both from 1; columns are characters.
std::string PlaceOfByte(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  int64_t line = 1;
  int64_t column = 1;
  for (const char c : before) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

bool JsonNestsTooDeep(std::string_view text, int limit) {
  // Nearly every text has fewer brackets than the limit in all, and this loop is the quicker one.
  int64_t opened = 0;
  for (const char c : text) opened += static_cast<int64_t>(c == '[') + static_cast<int64_t>(c == '{');
  if (opened <= limit) return false;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '[':
      case '{':
        if (++depth > limit) return true;
        break;
      case ']':
      case '}':
        --depth;
        break;
      case '"':  // to the end of the string
        for (++i; i < text.size() && text[i] != '"'; ++i) {
          if (text[i] == '\\') ++i;
        }
        break;
      default:
        break;
    }
  }
  return false;
}

nlohmann::json ParseJson(std::string_view text, int limit) {
  if (JsonNestsTooDeep(text, limit)) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

std::string WhyNotJson(std::string_view text, int limit) {
  if (JsonNestsTooDeep(text, limit)) return "is nested too deeply (more than " + std::to_string(limit) + " levels)";
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "is not JSON: it is empty";
  try {
    const nlohmann::json parsed = nlohmann::json::parse(text.begin(), text.end());
    if (!parsed.is_discarded()) return "is JSON";  // nobody asks that
  } catch (const nlohmann::json::parse_error& error) {
    return "is not JSON (" + PlaceOfByte(text, error.byte) + ")";
  } catch (const nlohmann::json::exception&) {
    // A number that no double holds is refused without its place.
  }
  return "is not JSON";
}

std::string TextAt(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t CountAt(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::string JsonErrorText(const std::exception& error) {
  std::string text = error.what();
  // Also inside: a reader puts the name of a field before what the library says about it.
  constexpr std::string_view kPrefix = "[json.exception.";
  for (size_t at = text.find(kPrefix); at != std::string::npos; at = text.find(kPrefix, at)) {
    const size_t end = text.find("] ", at);
    if (end == std::string::npos) break;
    text.erase(at, end + 2 - at);
  }
  return text;
}

}  // namespace wfe
