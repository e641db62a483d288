// One connection: a request is read, answered, and the next one read.  Everything runs on the server's one I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tools/http/asio.h"
#include "tools/http/message.h"
#include "tools/http/server.h"

namespace wfe::http {

/// What a connection asks of its server.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  /// Whether a request may name this host.
  virtual bool AllowsHost(std::string_view host) const = 0;
  /// Runs the handler elsewhere and then `done` on the I/O thread.  False: too many wait.
  virtual bool Submit(Request request, std::function<void(Response)> done) = 0;
  /// The connection waits for bytes since now, or no longer.
  virtual void Waits(uint64_t connection) = 0;
  virtual void WaitsNoMore(uint64_t connection) = 0;
  virtual void Answered(int status, Duration took) = 0;
  virtual void Closed(uint64_t connection) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(uint64_t id, tcp::socket socket, const ServerOptions& options, ConnectionOwner& owner);
  void Start();
  /// At once; nothing more is sent.
  void Close();

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;
  using Message = beast::http::response<beast::http::string_body>;

  void AwaitRequest(Duration patience);
  void ReadHeader();
  void HeaderRead(const boost::system::error_code& error);
  void ReadBody();
  void SendContinue();
  void BodyRead(const boost::system::error_code& error);
  /// Reads on, or answers with what is wrong.
  void Failed(const boost::system::error_code& error);
  /// What is wrong with the head of the request; nullopt: nothing.
  std::optional<Response> CheckHead();
  void Dispatch();
  void Send(Response response, bool keep_alive);
  void Sent(bool keep_alive);
  /// Lets the client read the answer before the connection goes: what it still sends is thrown away for a moment.
  void Linger();
  void ReadAway();
  /// Runs `late` unless the timer is set anew.
  void SetTimer(Duration patience, void (Connection::*late)());
  void TooLate();

  const uint64_t id_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  const ServerOptions& options_;
  ConnectionOwner& owner_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Message> message_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  Request request_;
  std::chrono::steady_clock::time_point began_;
  bool is_head_ = false;
  bool timed_out_ = false;
  bool closed_ = false;
  size_t thrown_away_ = 0;
};

}  // namespace wfe::http
