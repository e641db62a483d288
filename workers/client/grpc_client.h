// The service over gRPC: Temporal's API on wfe's server or on a real Temporal cluster.
#pragma once

#include <memory>
#include <string>

#include "workers/client/service_client.h"

namespace wfe::client {

struct GrpcClientOptions {
  std::string address = "127.0.0.1:7233";  ///< HOST:PORT
  std::string ns = "default";              ///< Sent as metadata, as Temporal's SDKs do.
  std::string api_key;                     ///< Sent as a bearer token when not empty; never logged.
  /// Carries calls in one stream where the server knows that (wfe does, Temporal does not): for a process that makes
  /// many.  Which way a call goes changes nothing for its caller.
  bool call_stream = false;
};

class GrpcServiceClient : public ServiceClient {
 public:
  /// Calls go through a stream at present.
  virtual bool streaming() const = 0;
};

/// One channel, reconnecting by itself within a quarter of a second of the server's return.  Thread-safe.
/// Answers without an executor in their options are delivered on a gRPC thread.
std::unique_ptr<GrpcServiceClient> NewGrpcClient(GrpcClientOptions options);

}  // namespace wfe::client
