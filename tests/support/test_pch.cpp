#include "tests/support/test_pch.h"
