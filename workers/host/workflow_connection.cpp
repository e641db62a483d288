#include "workers/host/workflow_connection.h"

#include <utility>

#include "workers/client/grpc_client.h"
#include "workers/host/process_name.h"

namespace wfe::worker {

WorkflowConnection::WorkflowConnection(ConnectionOptions options)
    : service_(client::NewGrpcClient({.address = options.address, .ns = options.ns, .api_key = options.api_key})),
      client_(*service_, options.ns, ProcessName("client")) {}

WorkflowConnection::~WorkflowConnection() = default;

}  // namespace wfe::worker
