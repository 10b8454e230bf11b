# The shim over TensorRT-LLM 1.0 to 1.2: found in TRTLLM_ROOT, or through Python where TRTLLM_WHEEL is set. Everything
# goes to the build folder; `lib` in it is complete and needs nothing beside it.
set(runtime_dir "${CMAKE_BINARY_DIR}/lib")
set(TRTLLM_CUDA_ROOT "" CACHE PATH "CUDA toolkit, where the one that is found is not the right one")
set(TRTLLM_LIBRARY_PATH "" CACHE STRING "further folders of libraries that TensorRT-LLM needs: TensorRT, MPI, NCCL")

if(NOT TRTLLM_ROOT)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  execute_process(
    COMMAND "${Python3_EXECUTABLE}" -c
      "from importlib.util import find_spec; print(find_spec('tensorrt_llm').submodule_search_locations[0])"
    OUTPUT_VARIABLE TRTLLM_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT TRTLLM_ROOT)
    message(FATAL_ERROR "${Python3_EXECUTABLE} has no tensorrt_llm package: install tensorrt_llm 1.0 to 1.2, name its "
      "Python with -DPython3_EXECUTABLE, or its folder with -DTRTLLM_ROOT")
  endif()
endif()

find_path(trtllm_include tensorrt_llm/executor/executor.h
  HINTS "${TRTLLM_ROOT}/include" "${TRTLLM_ROOT}/cpp/include" NO_DEFAULT_PATH NO_CACHE)
find_file(trtllm_library libtensorrt_llm.so
  HINTS "${TRTLLM_ROOT}/libs" "${TRTLLM_ROOT}/cpp/build/tensorrt_llm" NO_DEFAULT_PATH NO_CACHE)
find_file(trtllm_plugins libnvinfer_plugin_tensorrt_llm.so
  HINTS "${TRTLLM_ROOT}/libs" "${TRTLLM_ROOT}/cpp/build/tensorrt_llm/plugins" NO_DEFAULT_PATH NO_CACHE)
find_file(trtllm_version_file version.py HINTS "${TRTLLM_ROOT}" "${TRTLLM_ROOT}/tensorrt_llm" NO_DEFAULT_PATH NO_CACHE)
foreach(part trtllm_include trtllm_library trtllm_plugins trtllm_version_file)
  if(NOT ${part})
    message(FATAL_ERROR "${TRTLLM_ROOT} is no tensorrt_llm package of 1.0 to 1.2: ${part} was not found in it")
  endif()
endforeach()

file(STRINGS "${trtllm_version_file}" trtllm_version REGEX "^__version__ *= *\"[0-9]+\\.[0-9]+" LIMIT_COUNT 1)
string(REGEX REPLACE ".*\"([0-9]+\\.[0-9]+)([^\"]*)\".*" "\\1" trtllm_line "${trtllm_version}")
string(REGEX REPLACE ".*\"([^\"]*)\".*" "\\1" trtllm_version "${trtllm_version}")
if(trtllm_line VERSION_GREATER 1.2)
  message(FATAL_ERROR "TensorRT-LLM ${trtllm_version} has no engines any more (1.2 is the last release line with them): "
    "serve the model with trtllm-serve, or install tensorrt_llm 1.2")
elseif(NOT trtllm_line VERSION_GREATER_EQUAL 1.0)
  message(FATAL_ERROR "TensorRT-LLM \"${trtllm_version}\" in ${TRTLLM_ROOT} is not supported: install tensorrt_llm 1.0 to 1.2")
endif()

# Its std::string is the old or the new one of libstdc++, which the name of this function tells.
execute_process(COMMAND "${CMAKE_NM}" -D --defined-only "${trtllm_library}" OUTPUT_VARIABLE trtllm_symbols)
if(trtllm_symbols MATCHES "_ZNK12tensorrt_llm8executor8Response11getErrorMsgB5cxx11Ev")
  set(trtllm_cxx11_abi 1)
elseif(trtllm_symbols MATCHES "_ZNK12tensorrt_llm8executor8Response11getErrorMsgEv")
  set(trtllm_cxx11_abi 0)
else()
  message(FATAL_ERROR "${trtllm_library} has no executor (tensorrt_llm::executor::Response) in it")
endif()

# Beside the package, where pip puts what it needs.
get_filename_component(site_packages "${TRTLLM_ROOT}" DIRECTORY)
find_path(trtllm_cuda_include cuda_fp16.h
  HINTS "${TRTLLM_CUDA_ROOT}/include" "${site_packages}/nvidia/cu13/include" "${site_packages}/nvidia/cuda_runtime/include"
        "$ENV{CUDA_HOME}/include" /usr/local/cuda/include NO_CACHE)
file(GLOB cuda_includes "${site_packages}/nvidia/cuda_nvcc/include" "${site_packages}/nvidia/cuda_cccl/include")

# What it links: from those folders where it is there, else the loader must know it.
file(GLOB library_folders "${site_packages}/tensorrt_libs" "${site_packages}/nvidia/*/lib")
list(PREPEND library_folders ${TRTLLM_LIBRARY_PATH})
list(APPEND library_folders "${TRTLLM_CUDA_ROOT}/lib64" "$ENV{CUDA_HOME}/lib64" /usr/local/cuda/lib64
  /usr/lib/x86_64-linux-gnu/openmpi/lib /opt/hpcx/ompi/lib)
find_program(READELF NAMES readelf REQUIRED)
execute_process(COMMAND "${READELF}" -d "${trtllm_library}" OUTPUT_VARIABLE dynamic)
string(REGEX MATCHALL "Shared library: \\[[^]]+\\]" needed "${dynamic}")
get_filename_component(trtllm_libs "${trtllm_library}" DIRECTORY)
get_filename_component(trtllm_plugins_folder "${trtllm_plugins}" DIRECTORY)
set(rpath "$ORIGIN" "${trtllm_libs}" "${trtllm_plugins_folder}")
foreach(entry IN LISTS needed)
  string(REGEX REPLACE "Shared library: \\[(.*)\\]" "\\1" name "${entry}")
  foreach(folder IN LISTS library_folders)
    if(EXISTS "${folder}/${name}" AND NOT EXISTS "${trtllm_libs}/${name}")
      # Named by us as well, since only our own search path leads there.
      list(APPEND trtllm_needed "${folder}/${name}")
      list(APPEND rpath "${folder}")
      break()
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES rpath)

add_library(executor_api INTERFACE)
target_include_directories(executor_api SYSTEM INTERFACE "${trtllm_include}")
if(trtllm_cuda_include)
  target_include_directories(executor_api SYSTEM INTERFACE "${trtllm_cuda_include}" ${cuda_includes})
  target_compile_definitions(executor_api INTERFACE ENABLE_BF16 ENABLE_FP8)
endif()
target_compile_definitions(executor_api INTERFACE _GLIBCXX_USE_CXX11_ABI=${trtllm_cxx11_abi})
target_link_libraries(executor_api INTERFACE nlohmann_json Threads::Threads)

message(STATUS "TensorRT-LLM ${trtllm_version}: ${trtllm_library}")
message(STATUS "_GLIBCXX_USE_CXX11_ABI: ${trtllm_cxx11_abi}")
message(STATUS "CUDA headers: ${trtllm_cuda_include}")
message(STATUS "Linked with it: ${trtllm_needed}")

include(shim.cmake)

file(GLOB tensorrt_llm_sources CONFIGURE_DEPENDS tensorrt_llm/*.cpp)
add_library(tensorrt_llm_backend STATIC ${tensorrt_llm_sources})
target_include_directories(tensorrt_llm_backend PRIVATE tensorrt_llm world src include)
target_link_libraries(tensorrt_llm_backend PUBLIC executor_api ${CMAKE_DL_LIBS}
  -Wl,--no-as-needed ${trtllm_needed} "${trtllm_plugins}" "${trtllm_library}" -Wl,--as-needed)

shim_library(trtllm_shim tensorrt_llm_backend)
set_target_properties(trtllm_shim PROPERTIES BUILD_RPATH "${rpath}")
