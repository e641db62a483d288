// Forward declarations of wfe::visibility.
#pragma once

namespace wfe::visibility {

class ListFilter;
class VisibilityReader;
struct ListPage;

}  // namespace wfe::visibility
