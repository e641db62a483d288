#include "tools/http/server.h"

#include <array>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "engine/host/listen_address.h"
#include "tools/http/connection.h"
#include "tools/http/host_check.h"

namespace wfe::http {
namespace {

using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

/// A client that has said nothing whole for so long gives way to a new one.
constexpr Duration kPatienceWhenFull = std::chrono::milliseconds(250);
/// When the process has no descriptor left: this long nobody is let in.
constexpr Duration kPauseWithoutFiles = std::chrono::milliseconds(100);
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: application/json\r\n"
    "Content-Length: 64\r\n\r\n{\"error\":\"overloaded\",\"detail\":\"too many connections are open\"}\n";

/// Threads that wait for the engine, so that the I/O thread never does.
class Handlers {
 public:
  Handlers(Handler handler, int threads, size_t max_waiting) : handler_(std::move(handler)), max_waiting_(max_waiting) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Handlers() { Stop(); }

  bool Submit(Request request, std::function<void(Response)> done) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= max_waiting_) return false;
    waiting_.emplace_back(std::move(request), std::move(done));
    changed_.notify_one();
    return true;
  }
  /// What waits is dropped; what runs is waited for.
  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      waiting_.clear();
      changed_.notify_all();
    }
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  using Work = std::pair<Request, std::function<void(Response)>>;

  std::optional<Work> Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return std::nullopt;
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    return work;
  }
  void Run() {
    while (std::optional<Work> work = Next()) work->second(handler_(work->first));
  }

  const Handler handler_;
  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;  // guarded by mutex_
  bool stopping_ = false;     // the same
  std::vector<std::thread> threads_;
};

/// What a listener counts.
struct Counts {
  explicit Counts(Metrics& metrics)
      : open(metrics.MakeGauge("wfe_http_connections", "Connections that are open")),
        refused(metrics.MakeCounter("wfe_http_refused", "Connections refused with 503, since too many were open")),
        given_up(metrics.MakeCounter("wfe_http_given_up", "Silent connections closed to make room for another")),
        seconds(metrics.MakeHistogram("wfe_http_request_seconds", "From a request's first byte to its answer",
                                      {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5})) {
    for (size_t i = 0; i < answers.size(); ++i) {
      answers[i] = &metrics.MakeCounter("wfe_http_answers", "Answers, by the first digit of their status",
                                        {{"status", std::to_string(i + 1) + "xx"}});
    }
  }
  Gauge& open;
  Counter& refused;
  Counter& given_up;
  Histogram& seconds;
  std::array<Counter*, 5> answers{};
};

std::string AddressText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace

class Server::Impl final : public ConnectionOwner {
 public:
  Impl(const ServerOptions& options, Handler handler)
      : options_(options),
        counts_(options.metrics == nullptr ? NoMetrics() : *options.metrics),
        hosts_(options.listen, options.hosts),
        acceptor_(io_),
        pause_(io_),
        handlers_(std::move(handler), options.handler_threads, options.max_waiting) {}
  ~Impl() override { Stop(); }

  Status Start() {
    WFE_ASSIGN_OR_RETURN(const host::ListenAddress address, host::ListenAddress::Parse(options_.listen));
    if (address.is_path()) return InvalidArgument("HTTP is served on HOST:PORT, not on " + options_.listen);
    if (!address.loopback && !options_.insecure) {
      return InvalidArgument("refusing to serve HTTP on " + options_.listen +
                             " in plain text without authentication; use a loopback address, or say --insecure");
    }
    WFE_RETURN_IF_ERROR(Bind(address));
    Accept();
    io_thread_ = std::thread([this] { io_.run(); });
    return Ok();
  }

  void Stop() {
    handlers_.Stop();
    if (!io_thread_.joinable()) return;
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      const auto open = std::move(open_);
      open_.clear();
      for (const auto& [id, connection] : open) connection->Close();
    });
    io_thread_.join();
  }

  const std::string& address() const { return address_; }

  bool AllowsHost(std::string_view host) const override { return hosts_.Allows(host); }
  bool Submit(Request request, std::function<void(Response)> done) override {
    return handlers_.Submit(std::move(request), [this, done = std::move(done)](Response response) mutable {
      asio::post(io_,
                 [done = std::move(done), response = std::move(response)]() mutable { done(std::move(response)); });
    });
  }
  void Waits(uint64_t connection) override {
    WaitsNoMore(connection);
    waiting_at_[connection] = waiting_.insert(waiting_.end(), {connection, std::chrono::steady_clock::now()});
  }
  void WaitsNoMore(uint64_t connection) override {
    const auto found = waiting_at_.find(connection);
    if (found == waiting_at_.end()) return;
    waiting_.erase(found->second);
    waiting_at_.erase(found);
  }
  void Answered(int status, Duration took) override {
    counts_.seconds.Observe(std::chrono::duration<double>(took).count());
    counts_.answers[static_cast<size_t>(std::clamp(status / 100, 1, 5) - 1)]->Add();
  }
  void Closed(uint64_t connection) override {
    WaitsNoMore(connection);
    open_.erase(connection);
    counts_.open.Set(static_cast<int64_t>(open_.size()));
  }

 private:
  Status Bind(const host::ListenAddress& address) {
    const host::SocketAddress& first = address.addresses.front();
    tcp::endpoint endpoint;
    endpoint.resize(first.size);
    std::memcpy(endpoint.data(), &first.storage, first.size);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(1024, error);
    if (error) return Unavailable("cannot serve HTTP on " + options_.listen + ": " + error.message());
    acceptor_.non_blocking(true, error);
    address_ = AddressText(acceptor_.local_endpoint(error));
    return Ok();
  }

  void Accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) {
        Take(std::move(socket));
        return Accept();
      }
      // No descriptor is left, mostly: those that are open have to end first.
      pause_.expires_after(kPauseWithoutFiles);
      pause_.async_wait([this](const error_code& cancelled) {
        if (!cancelled && acceptor_.is_open()) Accept();
      });
    });
  }

  void Take(tcp::socket socket) {
    if (open_.size() >= static_cast<size_t>(options_.max_connections) && !GiveUpOne()) return Refuse(std::move(socket));
    const uint64_t id = ++last_id_;
    const auto connection = std::make_shared<Connection>(id, std::move(socket), options_, *this);
    open_.emplace(id, connection);
    counts_.open.Set(static_cast<int64_t>(open_.size()));
    connection->Start();
  }

  bool GiveUpOne() {
    if (waiting_.empty() || std::chrono::steady_clock::now() - waiting_.front().second < kPatienceWhenFull)
      return false;
    const auto found = open_.find(waiting_.front().first);
    if (found == open_.end()) return false;
    const std::shared_ptr<Connection> oldest = found->second;
    oldest->Close();
    counts_.given_up.Add();
    return true;
  }

  void Refuse(tcp::socket socket) {
    counts_.refused.Add();
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.send(asio::buffer(kFull), 0, ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  const ServerOptions options_;
  Counts counts_;
  const HostCheck hosts_;
  std::string address_;

  asio::io_context io_{1};
  // Of the I/O thread alone.
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  uint64_t last_id_ = 0;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> open_;
  std::list<std::pair<uint64_t, SteadyTime>> waiting_;  // for bytes, the longest first
  std::unordered_map<uint64_t, std::list<std::pair<uint64_t, SteadyTime>>::iterator> waiting_at_;

  Handlers handlers_;  // posts to io_, so it goes first
  std::thread io_thread_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Handler handler) {
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  WFE_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::address() const { return impl_->address(); }

}  // namespace wfe::http
