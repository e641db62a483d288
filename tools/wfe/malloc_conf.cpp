// How jemalloc gives memory back.  It does so while it is asked for more, and a server that went idle would otherwise
// keep what its last busy minute took; hence the background thread, and a decay of seconds.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0";
}
