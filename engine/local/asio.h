// The engine's only door to Boost.Asio.
#pragma once

#include <boost/asio/io_context.hpp>

namespace wfe {
namespace asio = boost::asio;
}
