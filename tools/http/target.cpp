#include "tools/http/target.h"

#include "engine/base/excerpt.h"
#include "engine/base/utf8.h"

namespace wfe::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = DecodeFirst(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Status ReadSegments(std::string_view path, std::vector<std::string>& segments) {
  path.remove_prefix(1);
  if (path.empty()) return Ok();
  while (true) {
    const size_t slash = path.find('/');
    WFE_ASSIGN_OR_RETURN(std::string segment, PercentDecode(path.substr(0, slash), false));
    if (segment == "." || segment == "..") return InvalidArgument("the path has a segment \"" + segment + "\"");
    segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) return Ok();
    path.remove_prefix(slash + 1);
  }
}

Status ReadQuery(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    WFE_ASSIGN_OR_RETURN(std::string name, PercentDecode(pair.substr(0, equals), true));
    WFE_ASSIGN_OR_RETURN(
        std::string value,
        PercentDecode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true));
    if (!query.emplace(name, std::move(value)).second) {
      return InvalidArgument("the parameter " + Excerpt(name, 60) + " is there twice");
    }
  }
  return Ok();
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+' && plus_is_blank) {
      decoded += ' ';
      continue;
    }
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? HexDigit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? HexDigit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return InvalidArgument("a percent sign without two hexadecimal digits after it");
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (!IsUtf8(decoded)) return InvalidArgument("the target has bytes that are no UTF-8");
  return decoded;
}

std::string PercentEncode(std::string_view text) {
  static constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4U];
    encoded += kDigits[byte & 15U];
  }
  return encoded;
}

Result<Target> ParseTarget(std::string_view text) {
  Target target;
  constexpr std::string_view kScheme = "http://";
  if (text.starts_with(kScheme)) {
    text.remove_prefix(kScheme.size());
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = std::string(text.substr(0, end));
    text.remove_prefix(end);
    if (target.authority.empty()) return InvalidArgument("the target names no host");
  }
  const size_t mark = text.find('?');
  target.path = std::string(text.substr(0, mark));
  if (target.path.empty() && !target.authority.empty()) target.path = "/";
  if (!target.path.starts_with('/')) return InvalidArgument("the target is no path");
  if (text.find('#') != std::string_view::npos) return InvalidArgument("a fragment is for the browser and not sent");
  WFE_RETURN_IF_ERROR(ReadSegments(target.path, target.segments));
  if (mark != std::string_view::npos) WFE_RETURN_IF_ERROR(ReadQuery(text.substr(mark + 1), target.query));
  return target;
}

}  // namespace wfe::http
