#include "tools/http/connection.h"

#include <array>
#include <ctime>

#include "engine/base/excerpt.h"
#include "tools/http/target.h"

namespace wfe::http {
namespace {

namespace bh = beast::http;
using boost::system::error_code;

constexpr Duration kLinger = std::chrono::seconds(1);
constexpr size_t kMostThrownAway = 256 << 10;

/// "Fri, 27 Nov 2026 00:00:00 GMT"
std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

/// What every answer says of itself: it is not kept, not read as another type, not framed, and fetches nothing.
void AddCommonHeaders(const Response& response, bh::fields& fields) {
  fields.set(bh::field::date, HttpDate());
  fields.set(bh::field::cache_control, "no-store");
  fields.set("X-Content-Type-Options", "nosniff");
  fields.set("X-Frame-Options", "DENY");
  fields.set("Referrer-Policy", "no-referrer");
  fields.set("Cross-Origin-Resource-Policy", "same-origin");
  fields.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  for (const auto& [name, value] : response.headers) fields.set(name, value);
}

/// A parser's complaint as an answer; nullopt: the client has gone and nobody reads one.
std::optional<Response> AnswerTo(const error_code& error, bool has_target) {
  if (error == bh::error::header_limit || error == bh::error::buffer_overflow) {
    return has_target ? ErrorResponse(431, "headers_too_large", "the headers have more than 16384 bytes")
                      : ErrorResponse(414, "uri_too_long", "the request line has more than 16384 bytes");
  }
  if (error == bh::error::body_limit) return ErrorResponse(413, "body_too_large", "the body is too large");
  if (error == bh::error::bad_version) {
    return ErrorResponse(505, "http_version_not_supported", "HTTP/1.1 and 1.0 are spoken here");
  }
  if (error.category() != bh::make_error_code(bh::error::bad_method).category() || error == bh::error::end_of_stream ||
      error == bh::error::partial_message) {
    return std::nullopt;
  }
  return ErrorResponse(400, "bad_request", "this is no HTTP request: " + error.message());
}

bool NamesMoreThanOneLength(const bh::request<bh::string_body>& head) {
  return head.count(bh::field::content_length) > 1 ||
         (head.count(bh::field::content_length) > 0 && head.count(bh::field::transfer_encoding) > 0);
}

}  // namespace

Connection::Connection(uint64_t id, tcp::socket socket, const ServerOptions& options, ConnectionOwner& owner)
    : id_(id),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      options_(options),
      owner_(owner),
      buffer_(kMaxHeaderBytes * 4) {}

void Connection::Start() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  AwaitRequest(options_.request_timeout);
}

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  owner_.Closed(id_);
}

void Connection::SetTimer(Duration patience, void (Connection::*late)()) {
  timer_.expires_after(patience);
  timer_.async_wait([self = shared_from_this(), late](const error_code& error) {
    if (!error && !self->closed_) ((*self).*late)();
  });
}

/// The read that waits ends with an error, and Failed answers.
void Connection::TooLate() {
  timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::AwaitRequest(Duration patience) {
  owner_.Waits(id_);
  if (buffer_.size() > 0) return ReadHeader();  // a client that does not wait for answers
  SetTimer(patience, &Connection::Close);
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    if (self->closed_) return;
    if (error) return self->Close();
    self->ReadHeader();
  });
}

void Connection::ReadHeader() {
  began_ = std::chrono::steady_clock::now();
  is_head_ = false;
  request_ = {};
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(static_cast<uint64_t>(options_.max_body_bytes));
  SetTimer(options_.request_timeout, &Connection::TooLate);
  bh::async_read_header(socket_, buffer_, *parser_,
                        [self = shared_from_this()](const error_code& error, size_t) { self->HeaderRead(error); });
}

void Connection::Failed(const error_code& error) {
  owner_.WaitsNoMore(id_);
  if (timed_out_) return Send(ErrorResponse(408, "request_timeout", "the request did not arrive in time"), false);
  auto answer = AnswerTo(error, !parser_->get().target().empty());
  if (!answer) return Close();
  Send(*std::move(answer), false);
}

std::optional<Response> Connection::CheckHead() {
  const auto& head = parser_->get();
  if (head.target().size() > kMaxTargetBytes) {
    return ErrorResponse(414, "uri_too_long", "the target has more than " + std::to_string(kMaxTargetBytes) + " bytes");
  }
  if (head.count(bh::field::host) > 1 || (head.version() >= 11 && head.count(bh::field::host) == 0)) {
    return ErrorResponse(400, "bad_request", "one Host header is expected");
  }
  if (NamesMoreThanOneLength(head)) return ErrorResponse(400, "bad_request", "the body has two lengths");
  Result<Target> target = ParseTarget({head.target().data(), head.target().size()});
  if (!target) return ErrorResponse(400, "bad_target", target.error().message);
  const auto header = [&head](bh::field field) { return std::string(head[field]); };
  std::string host = target->authority.empty() ? header(bh::field::host) : target->authority;
  // A request of HTTP/1.0 may name none: a browser, which could be misled, always does.
  if ((head.count(bh::field::host) > 0 && !owner_.AllowsHost(header(bh::field::host))) ||
      (!host.empty() && !owner_.AllowsHost(host))) {
    return ErrorResponse(421, "misdirected",
                         "the Host " + Excerpt(host, 80) + " is not served here; http.hosts names more (docs/http.md)");
  }
  request_.method = std::string(head.method_string());
  is_head_ = request_.method == "HEAD";
  if (is_head_) request_.method = "GET";
  request_.path = std::move(target->path);
  request_.segments = std::move(target->segments);
  request_.query = std::move(target->query);
  request_.authorization = header(bh::field::authorization);
  request_.content_type = header(bh::field::content_type);
  return std::nullopt;
}

void Connection::HeaderRead(const error_code& error) {
  if (closed_) return;
  if (error) return Failed(error);
  if (auto wrong = CheckHead()) {
    owner_.WaitsNoMore(id_);
    return Send(*std::move(wrong), false);
  }
  if (bh::request<bh::string_body>& head = parser_->get(); beast::iequals(head[bh::field::expect], "100-continue")) {
    return SendContinue();
  }
  ReadBody();
}

void Connection::SendContinue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](const error_code& error, size_t) {
    if (self->closed_) return;
    if (error) return self->Failed(error);
    self->ReadBody();
  });
}

void Connection::ReadBody() {
  bh::async_read(socket_, buffer_, *parser_,
                 [self = shared_from_this()](const error_code& error, size_t) { self->BodyRead(error); });
}

void Connection::BodyRead(const error_code& error) {
  if (closed_) return;
  if (error) return Failed(error);
  timer_.cancel();
  owner_.WaitsNoMore(id_);
  Dispatch();
}

void Connection::Dispatch() {
  const bool keep_alive = parser_->get().keep_alive();
  request_.body = std::move(parser_->get().body());
  const bool taken = owner_.Submit(std::move(request_), [self = shared_from_this(), keep_alive](Response response) {
    if (!self->closed_) self->Send(std::move(response), keep_alive);
  });
  if (taken) return;
  Response busy = ErrorResponse(503, "overloaded", "too many requests wait; try again");
  busy.headers.emplace_back("Retry-After", "1");
  Send(std::move(busy), keep_alive);
}

void Connection::Send(Response response, bool keep_alive) {
  timed_out_ = false;
  const unsigned version = parser_ && parser_->is_header_done() && parser_->get().version() == 10 ? 10 : 11;
  Message& message = message_.emplace(static_cast<bh::status>(response.status), version);
  AddCommonHeaders(response, message);
  message.set(bh::field::content_type, response.content_type);
  message.keep_alive(keep_alive);
  message.content_length(response.body.size());
  message.body() = std::move(response.body);
  owner_.Answered(response.status, std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began_));
  serializer_.emplace(message);
  SetTimer(options_.request_timeout, &Connection::Close);
  const auto sent = [self = shared_from_this(), keep_alive](const error_code& error, size_t) {
    if (self->closed_) return;
    if (error) return self->Close();
    self->Sent(keep_alive);
  };
  if (is_head_) {
    bh::async_write_header(socket_, *serializer_, sent);
  } else {
    bh::async_write(socket_, *serializer_, sent);
  }
}

void Connection::Sent(bool keep_alive) {
  timer_.cancel();
  serializer_.reset();
  message_.reset();
  if (keep_alive) return AwaitRequest(options_.idle_timeout);
  Linger();
}

void Connection::Linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  buffer_.clear();
  SetTimer(kLinger, &Connection::Close);
  ReadAway();
}

void Connection::ReadAway() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](const error_code& error, size_t bytes) {
    if (self->closed_) return;
    self->thrown_away_ += bytes;
    if (error || self->thrown_away_ > kMostThrownAway) return self->Close();
    self->ReadAway();
  });
}

}  // namespace wfe::http
