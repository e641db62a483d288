#include "activities/outbound/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

namespace wfe::outbound {
namespace {

using std::chrono::duration_cast;

constexpr size_t kMaxErrorBytes = 64 << 10;

struct CurlFree {
  void operator()(char* text) const { curl_free(text); }
};

void StartCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

/// What a URL says, in curl's own reading, so that what is checked is what is called.
class ParsedUrl {
 public:
  explicit ParsedUrl(const std::string& url) : parts_(curl_url(), &curl_url_cleanup) {
    valid_ = parts_ && curl_url_set(parts_.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK;
  }
  bool valid() const { return valid_; }
  std::string Part(CURLUPart which) const {
    char* value = nullptr;
    if (curl_url_get(parts_.get(), which, &value, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    const std::unique_ptr<char, CurlFree> owned(value);
    std::string text(value);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  }

 private:
  std::unique_ptr<CURLU, void (*)(CURLU*)> parts_;
  bool valid_ = false;
};

bool IsThisMachine(const std::string& host) { return host == "127.0.0.1" || host == "localhost" || host == "[::1]"; }

/// One request under way.
struct Transfer {
  CURL* curl = nullptr;
  const HttpLimits* limits = nullptr;
  const HttpClient::OnBytes* on_bytes = nullptr;
  const HttpWatch* watch = nullptr;
  HttpAnswer answer;
  bool too_large = false;
  bool cancelled = false;

  void ReadHead() {
    if (answer.status != 0) return;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    const char* type = nullptr;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != nullptr) {
      answer.content_type = type;
    }
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
      answer.retry_after = std::chrono::seconds(std::min<curl_off_t>(seconds, 30 * 86'400));
    }
  }
};

size_t TakeBytes(char* bytes, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece(bytes, size * count);
  transfer.answer.received_bytes += static_cast<int64_t>(piece.size());
  if (transfer.answer.received_bytes > transfer.limits->max_answer_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.ReadHead();
  if (transfer.answer.status == 200) {
    (*transfer.on_bytes)(transfer.answer, piece);
  } else if (transfer.answer.error_body.size() < kMaxErrorBytes) {
    transfer.answer.error_body += piece.substr(0, kMaxErrorBytes - transfer.answer.error_body.size());
  }
  return piece.size();
}

int TellProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.watch->progress) transfer.watch->progress(transfer.answer.received_bytes);
  if (transfer.watch->is_cancelled && transfer.watch->is_cancelled()) {
    transfer.cancelled = true;
    return 1;
  }
  return 0;
}

void Judge(Transfer& transfer, CURLcode code, const char* reason) {
  HttpAnswer& answer = transfer.answer;
  const std::string curl_says = *reason != '\0' ? reason : curl_easy_strerror(code);
  if (transfer.cancelled) {
    answer.end = HttpEnd::kCancelled;
    answer.why = "cancelled";
  } else if (transfer.too_large) {
    answer.end = HttpEnd::kTooLarge;
    answer.why = "the answer is larger than " + std::to_string(transfer.limits->max_answer_bytes) + " bytes";
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    answer.end = answer.received_bytes > 0 || answer.status != 0 ? HttpEnd::kTooSlow : HttpEnd::kUnreachable;
    answer.why = curl_says;
  } else if (code != CURLE_OK) {
    answer.end = answer.received_bytes > 0 ? HttpEnd::kCut : HttpEnd::kUnreachable;
    answer.why = curl_says;
  }
}

const char* NameOf(HttpEnd end) {
  switch (end) {
    case HttpEnd::kWhole:
      return "whole";
    case HttpEnd::kRefused:
      return "refused";
    case HttpEnd::kUnreachable:
      return "unreachable";
    case HttpEnd::kCut:
      return "cut";
    case HttpEnd::kTooSlow:
      return "too_slow";
    case HttpEnd::kTooLarge:
      return "too_large";
    case HttpEnd::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

long Millis(Duration duration) { return static_cast<long>(duration_cast<std::chrono::milliseconds>(duration).count()); }

}  // namespace

Result<std::string> OriginOf(const std::string& url, const std::string& what) {
  StartCurl();
  const ParsedUrl parsed(url);
  const std::string scheme = parsed.valid() ? parsed.Part(CURLUPART_SCHEME) : "";
  if (scheme != "https" && scheme != "http") return InvalidArgument(what + " is not a URL of http or https: " + url);
  if (!parsed.Part(CURLUPART_USER).empty() || !parsed.Part(CURLUPART_PASSWORD).empty()) {
    return InvalidArgument(what + " must not hold credentials");
  }
  return scheme + "://" + parsed.Part(CURLUPART_HOST) + ":" + parsed.Part(CURLUPART_PORT);
}

Result<std::string> SafeOriginOf(const std::string& url, const std::string& what, bool plain_http) {
  WFE_ASSIGN_OR_RETURN(std::string origin, OriginOf(url, what));
  if (origin.starts_with("https:") || plain_http) return origin;
  if (IsThisMachine(ParsedUrl(url).Part(CURLUPART_HOST))) return origin;
  return InvalidArgument(what + " must be https, or http to this machine: " + url);
}

HttpClient::HttpClient(std::vector<std::string> origins, HttpLimits limits, Metrics& metrics)
    : origins_(std::move(origins)), limits_(limits), metrics_(metrics) {
  StartCurl();
}

HttpAnswer HttpClient::Post(const HttpPost& post, const OnBytes& on_bytes, const HttpWatch& watch) const {
  Transfer transfer;
  const Result<std::string> origin = OriginOf(post.url, "the address to call");
  if (!origin || std::find(origins_.begin(), origins_.end(), *origin) == origins_.end()) {
    transfer.answer.end = HttpEnd::kRefused;
    transfer.answer.why = origin ? *origin + " is no address that the configuration names" : origin.error().message;
    Count("other", post, transfer.answer, Duration::zero());
    return transfer.answer;
  }
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), &curl_easy_cleanup);
  curl_slist* list = nullptr;
  for (const std::string& header : post.headers) list = curl_slist_append(list, header.c_str());
  list = curl_slist_append(list, "Expect:");
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(list, &curl_slist_free_all);
  if (!curl) {
    transfer.answer.end = HttpEnd::kUnreachable;
    transfer.answer.why = "libcurl could not start a request";
    return transfer.answer;
  }

  transfer.curl = curl.get();
  transfer.limits = &limits_;
  transfer.on_bytes = &on_bytes;
  transfer.watch = &watch;
  char reason[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, post.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, post.body.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_FOLLOWLOCATION, 0L);  // a key must not travel to another host
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, reason);
  set(CURLOPT_CONNECTTIMEOUT_MS, Millis(limits_.connect_timeout));
  set(CURLOPT_TIMEOUT_MS, std::max(1L, Millis(limits_.total_timeout)));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, std::max(1L, Millis(limits_.silence_timeout) / 1000));
  set(CURLOPT_WRITEFUNCTION, &TakeBytes);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &TellProgress);
  set(CURLOPT_XFERINFODATA, &transfer);

  const auto began = std::chrono::steady_clock::now();
  const CURLcode code = curl_easy_perform(curl.get());
  transfer.ReadHead();
  Judge(transfer, code, reason);
  Count(*origin, post, transfer.answer, std::chrono::steady_clock::now() - began);
  return std::move(transfer.answer);
}

void HttpClient::Count(const std::string& origin, const HttpPost& post, const HttpAnswer& answer,
                       Duration taken) const {
  const bool answered = answer.end == HttpEnd::kWhole;
  metrics_
      .MakeCounter("wfe_outbound_calls", "HTTP requests that went out, by where to and how they ended.",
                   {{"origin", origin}, {"end", answered ? std::to_string(answer.status) : NameOf(answer.end)}})
      .Add();
  if (answer.end == HttpEnd::kRefused) return;
  metrics_
      .MakeHistogram("wfe_outbound_call_seconds", "From an HTTP request to the last byte of its answer.",
                     {0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000}, {{"origin", origin}})
      .Observe(std::chrono::duration<double>(taken).count());
  metrics_.MakeCounter("wfe_outbound_sent_bytes", "Bodies of HTTP requests that went out.", {{"origin", origin}})
      .Add(static_cast<int64_t>(post.body.size()));
  metrics_.MakeCounter("wfe_outbound_received_bytes", "Bodies of answers to them.", {{"origin", origin}})
      .Add(answer.received_bytes);
}

}  // namespace wfe::outbound
