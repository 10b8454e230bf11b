# What is the same over every executor. Expects the target executor_api: headers, and what they need.

# Passes over logits, for sampling and log-probabilities.
file(GLOB logits_sources CONFIGURE_DEPENDS logits/*.cpp)
add_library(logits STATIC ${logits_sources})
target_include_directories(logits PUBLIC logits)

# The shim: the C ABI over tensorrt_llm::executor. Whoever links it brings an executor and src/backend.h's functions.
file(GLOB shim_sources CONFIGURE_DEPENDS src/*.cpp)
add_library(shim_objects OBJECT ${shim_sources})
target_compile_definitions(shim_objects PRIVATE TRTLLM_SHIM_VERSION="${PROJECT_VERSION}")
target_include_directories(shim_objects PUBLIC include src)
target_link_libraries(shim_objects PUBLIC executor_api logits)

# The shim as a library, once per executor.
function(shim_library name executor)
  add_library(${name} SHARED)
  target_link_libraries(${name} PRIVATE shim_objects ${executor})
  target_link_options(${name} PRIVATE -Wl,--no-undefined -Wl,--exclude-libs,ALL)
  set_target_properties(${name} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "${runtime_dir}" BUILD_RPATH "$ORIGIN" BUILD_RPATH_USE_ORIGIN ON)
endfunction()

# Serves any of them to another process.
file(GLOB host_sources CONFIGURE_DEPENDS host/*.cpp)
add_executable(trtllm_host ${host_sources})
target_include_directories(trtllm_host PRIVATE host include world)
target_link_libraries(trtllm_host PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
set_target_properties(trtllm_host PROPERTIES OUTPUT_NAME trtllm-host RUNTIME_OUTPUT_DIRECTORY "${runtime_dir}")
