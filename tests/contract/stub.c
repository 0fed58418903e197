/* What NVIDIA's Python bindings of TensorRT link against: nine functions, each of which
   gives nothing until a hook is set. The test double (tests/contract/double) sets them. */
#include <stdint.h>

enum { BUILDER, RUNTIME, REFITTER, BUILDER_REGISTRY, REGISTRY, PLUGINS, PARSER,
       PARSER_REFITTER, HOOKS };

static void *hooks[HOOKS];

void causeline_hook(int which, void *function)
{
    if (which >= 0 && which < HOOKS) hooks[which] = function;
}

typedef void *(*of_logger)(void *, int32_t);
typedef void *(*of_two)(void *, void *, int32_t);
typedef void *(*of_number)(int32_t);
typedef void *(*of_nothing)(void);
typedef int (*of_text)(void *, const char *);

#define CALL(which, type, ...) (hooks[which] ? ((type)hooks[which])(__VA_ARGS__) : 0)

void *createInferBuilder_INTERNAL(void *logger, int32_t version)
{ return CALL(BUILDER, of_logger, logger, version); }

void *createInferRuntime_INTERNAL(void *logger, int32_t version)
{ return CALL(RUNTIME, of_logger, logger, version); }

void *createInferRefitter_INTERNAL(void *engine, void *logger, int32_t version)
{ return CALL(REFITTER, of_two, engine, logger, version); }

void *getBuilderPluginRegistry(int32_t capability)
{ return CALL(BUILDER_REGISTRY, of_number, capability); }

void *getPluginRegistry(void)
{ return CALL(REGISTRY, of_nothing); }

int initLibNvInferPlugins(void *logger, const char *space)
{ return CALL(PLUGINS, of_text, logger, space); }

void *createNvOnnxParser_INTERNAL(void *network, void *logger, int32_t version)
{ return CALL(PARSER, of_two, network, logger, version); }

void *createNvOnnxParserRefitter_INTERNAL(void *refitter, void *logger, int32_t version)
{ return CALL(PARSER_REFITTER, of_two, refitter, logger, version); }

int getNvOnnxParserVersion(void)
{ return STUB_VERSION; }
