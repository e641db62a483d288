# C with CMake and CTest: cJSON, as Debian's source package has it.
origin="Debian cjson 1.7.15"
tools=(cmake make cc)
fetch() { debian_source cjson cjson_1.7.15.orig.tar.gz 5308fd4bd90cef7aa060558514de6a1a4a0819974a26e6ed13973c5f624c24b2; }
task="Add cJSON_IsEmpty(item): true for an array or object without items. Test it in tests/misc_tests.c."
changes=' M cJSON.c
 M cJSON.h
 M tests/misc_tests.c'
own_tests() { cmake -S . -B "$work/own-cmake" && make -C "$work/own-cmake" -j2 && ctest --test-dir "$work/own-cmake"; }
tell() {
  step implement_v1
  replace cJSON.h 'CJSON_PUBLIC(int) cJSON_GetArraySize(const cJSON *array);' << 'END'
CJSON_PUBLIC(int) cJSON_GetArraySize(const cJSON *array);
/* True for an array or object that has no items. */
CJSON_PUBLIC(cJSON_bool) cJSON_IsEmpty(const cJSON * const item);
END
  replace cJSON.c 'CJSON_PUBLIC(int) cJSON_GetArraySize(const cJSON *array)' << 'END'
CJSON_PUBLIC(cJSON_bool) cJSON_IsEmpty(const cJSON * const item)
{
    return item->child == NULL;
}

CJSON_PUBLIC(int) cJSON_GetArraySize(const cJSON *array)
END
  replace tests/misc_tests.c 'int CJSON_CDECL main(void)' << 'END'
static void cjson_is_empty_should_tell_containers_without_items(void)
{
    cJSON *array = cJSON_CreateArray();
    cJSON *number = cJSON_CreateNumber(1);

    TEST_ASSERT_TRUE(cJSON_IsEmpty(array));
    TEST_ASSERT_FALSE(cJSON_IsEmpty(number));
    TEST_ASSERT_FALSE(cJSON_IsEmpty(NULL));
    cJSON_AddItemToArray(array, number);
    TEST_ASSERT_FALSE(cJSON_IsEmpty(array));

    cJSON_Delete(array);
}

int CJSON_CDECL main(void)
END
  replace tests/misc_tests.c '    RUN_TEST(cjson_array_foreach_should_loop_over_arrays);' << 'END'
    RUN_TEST(cjson_is_empty_should_tell_containers_without_items);
    RUN_TEST(cjson_array_foreach_should_loop_over_arrays);
END
  step fix_attempt_1
  replace cJSON.c 'return item->child == NULL;' << 'END'
return (cJSON_IsArray(item) || cJSON_IsObject(item)) && (item->child == NULL);
END
}
