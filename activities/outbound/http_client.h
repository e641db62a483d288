// Every HTTP request that wfe itself makes goes out through here (AC-12): only to origins that its configuration names,
// within limits of time and size, without following redirects, and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::outbound {

/// "https://host:443" of a URL: scheme, host and port, in lower case.  INVALID_ARGUMENT with a sentence that begins
/// with `what` ("the base URL of the Gemini API") for anything that is no URL of http or https, or that holds
/// credentials.
Result<std::string> OriginOf(const std::string& url, const std::string& what);

/// OriginOf, and http to another machine is INVALID_ARGUMENT unless `plain_http`: what is sent would go in the clear.
Result<std::string> SafeOriginOf(const std::string& url, const std::string& what, bool plain_http = false);

struct HttpLimits {
  Duration connect_timeout = std::chrono::seconds(15);
  Duration silence_timeout = std::chrono::minutes(5);  ///< No byte for this long: the other side is dead.
  Duration total_timeout = std::chrono::minutes(30);   ///< From the connection to the last byte.
  int64_t max_answer_bytes = 64 << 20;
};

struct HttpPost {
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"; may hold a key, and is in no message, log or metric.
  std::string body;
};

/// Asked and told while a request is under way, from the calling thread, at least once a second.
struct HttpWatch {
  std::function<bool()> is_cancelled;
  std::function<void(int64_t received_bytes)> progress;
};

enum class HttpEnd {
  kWhole,        ///< The answer came whole, whatever its status.
  kRefused,      ///< Not sent: its origin is not in the list.
  kUnreachable,  ///< Nothing came: no connection, no name, no TLS.
  kCut,          ///< The answer broke off.
  kTooSlow,      ///< A time limit was over.
  kTooLarge,
  kCancelled,
};

struct HttpAnswer {
  HttpEnd end = HttpEnd::kWhole;
  int status = 0;  ///< 0: none came.
  std::string content_type;
  std::optional<Duration> retry_after;  ///< As the header names it, in seconds or as a date.
  std::string error_body;               ///< Of a status other than 200; at most 64 KiB of it.
  int64_t received_bytes = 0;
  std::string why;  ///< Not for kWhole: one sentence without a secret.
};

/// Callable from any thread.  Blocks; one connection for each request.
class HttpClient {
 public:
  /// `origins`: what may be called, as OriginOf gives it.  `metrics` must outlive the client.
  explicit HttpClient(std::vector<std::string> origins, HttpLimits limits = {}, Metrics& metrics = NoMetrics());

  /// The body of an answer with status 200 goes to `on_bytes` as it comes; `head` has status and content type by then.
  using OnBytes = std::function<void(const HttpAnswer& head, std::string_view bytes)>;
  HttpAnswer Post(const HttpPost& post, const OnBytes& on_bytes, const HttpWatch& watch = {}) const;

 private:
  void Count(const std::string& origin, const HttpPost& post, const HttpAnswer& answer, Duration taken) const;

  const std::vector<std::string> origins_;
  const HttpLimits limits_;
  Metrics& metrics_;
};

}  // namespace wfe::outbound
