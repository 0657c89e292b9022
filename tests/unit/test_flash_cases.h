static void test_cases(void) {}
