/**
 * C++ of an add-on with `mute` and `unmute`: between them nothing reaches standard error.
 *
 * TensorFlow speaks while it is loaded, whatever its settings.
 */
export const quietSource = `#include <fcntl.h>
#include <unistd.h>
#include <mutex>
#include <node_api.h>
static std::mutex guard;  // threads share standard error, and may load at the same time
static int depth = 0, kept = -1;
static napi_value mute(napi_env, napi_callback_info) {
  std::lock_guard<std::mutex> lock(guard);
  if (depth++ > 0) return nullptr;
  int null = open("/dev/null", O_WRONLY);
  if (null < 0) return nullptr;
  kept = dup(2);
  if (kept >= 0) dup2(null, 2);
  close(null);
  return nullptr;
}
static napi_value unmute(napi_env, napi_callback_info) {
  std::lock_guard<std::mutex> lock(guard);
  if (depth == 0 || --depth > 0 || kept < 0) return nullptr;
  dup2(kept, 2);
  close(kept);
  kept = -1;
  return nullptr;
}
NAPI_MODULE_INIT() {
  napi_value one, other;
  napi_create_function(env, "mute", NAPI_AUTO_LENGTH, mute, nullptr, &one);
  napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, unmute, nullptr, &other);
  napi_set_named_property(env, exports, "mute", one);
  napi_set_named_property(env, exports, "unmute", other);
  return exports;
}
`

/**
 * Python that takes out of the wheels in a folder what the engine needs: a wheel is a zip file.
 *
 * Arguments: folder of the wheels, target. Libraries of NVIDIA land beside libtensorflow, where
 * it and they look for one another.
 */
export const unpackSource = `
import os, shutil, sys, zipfile
source, target = sys.argv[1:3]
keep = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
for name in sorted(os.listdir(source)):
    if not name.endswith('.whl'):
        continue
    with zipfile.ZipFile(os.path.join(source, name)) as wheel:
        for entry in wheel.namelist():
            if entry in keep or entry.startswith('tensorflow/include/'):
                wheel.extract(entry, target)
            elif entry.startswith('nvidia/') and '.so' in os.path.basename(entry):
                path = os.path.join(target, 'tensorflow', os.path.basename(entry))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with wheel.open(entry) as packed, open(path, 'wb') as out:
                    shutil.copyfileobj(packed, out)
`
