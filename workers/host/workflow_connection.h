// A way to a server, for programs that start workflows: WorkflowConnection({.address = "127.0.0.1:7233"}).client().
#pragma once

#include <memory>
#include <string>

#include "workers/host/workflow_client.h"

namespace wfe::worker {

struct ConnectionOptions {
  std::string address = "127.0.0.1:7233";  ///< HOST:PORT or unix:PATH of `wfe server` or of a Temporal cluster.
  std::string ns = "default";
  std::string api_key;  ///< Sent as a bearer token when not empty; never logged.
};

/// Connects at the first call, and again by itself within a quarter of a second of the server's return.
class WorkflowConnection {
 public:
  explicit WorkflowConnection(ConnectionOptions options);
  ~WorkflowConnection();

  /// Callable from any thread; goes with the connection.
  WorkflowClient& client() { return client_; }

 private:
  std::unique_ptr<client::ServiceClient> service_;
  WorkflowClient client_;
};

}  // namespace wfe::worker
