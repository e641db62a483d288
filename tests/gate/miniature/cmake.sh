# C++ with CMake and CTest.
origin="one library of our own"
tools=(cmake make c++)
fetch() {
  cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.21)
project(area CXX)
enable_testing()
add_library(area area.cpp)
add_executable(area_test area_test.cpp)
target_link_libraries(area_test area)
add_test(NAME area_test COMMAND area_test)
END
  echo 'int rectangle(int width, int height);' > area.h
  printf '%s\n' '#include "area.h"' 'int rectangle(int width, int height) { return width * height; }' > area.cpp
  printf '%s\n' '#include "area.h"' 'int main() {' '  if (rectangle(2, 3) != 6) return 1;' '  return 0;' '}' > area_test.cpp
}
task='Add square(side). Test it.'
changes=' M area.cpp
 M area.h
 M area_test.cpp'
own_tests() { cmake -S . -B "$work/own-cmake" && make -C "$work/own-cmake" && ctest --test-dir "$work/own-cmake"; }
tell() {
  step implement_v1
  replace area.h 'int rectangle(' << 'END'
int square(int side);
int rectangle(
END
  replace area.cpp 'int rectangle(' << 'END'
int square(int side) { return rectangle(side, side) }
int rectangle(
END
  replace area_test.cpp '  return 0;' << 'END'
  if (square(3) != 9) return 1;
  return 0;
END
  step fix_attempt_1
  replace area.cpp 'rectangle(side, side) }' << 'END'
rectangle(side, side); }
END
}
