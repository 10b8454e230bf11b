"""Asks a server everything once with OpenAI's own client, and prints as JSON what came."""

import json
import sys
from enum import Enum

import openai
from pydantic import BaseModel, Field

model = sys.argv[1]
client = openai.OpenAI(max_retries=0)
question = [{"role": "user", "content": "What is the capital of France?"}]
settings = {"model": model, "temperature": 0}

weather = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city today",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
# A small model needs to see once how it goes.
called = {"name": "weather", "arguments": '{"city":"London"}'}
shown_once = [
    {"role": "user", "content": "What is the weather in London?"},
    {"role": "assistant", "tool_calls": [{"id": "shown0001", "type": "function", "function": called}]},
    {"role": "tool", "tool_call_id": "shown0001", "content": "rain, 15 degrees"},
    {"role": "assistant", "content": "The weather in London today is rain, 15 degrees."},
    {"role": "user", "content": "What is the weather in Paris?"},
]


class Name(str, Enum):
    ADA = "Ada"
    ALAN = "Alan"


class Person(BaseModel):
    name: Name
    born: int = Field(ge=1800, le=1999)


def streamed():
    stream = client.chat.completions.create(
        messages=question, max_tokens=12, stream=True, stream_options={"include_usage": True}, **settings
    )
    text, usage = "", None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
    return text, usage.completion_tokens


def call():
    answer = client.chat.completions.create(
        messages=shown_once, max_tokens=48, tools=[weather], tool_choice="required", **settings
    )
    function = answer.choices[0].message.tool_calls[0].function
    return {"name": function.name, "arguments": json.loads(function.arguments)}


def person():
    told = [{"role": "user", "content": "Ada Lovelace was born in 1815. Tell it as JSON."}]
    answer = client.chat.completions.parse(messages=told, max_tokens=48, response_format=Person, **settings)
    return answer.choices[0].message.parsed.model_dump(mode="json")


def streamed_response():
    with client.responses.stream(input=question, max_output_tokens=12, **settings) as stream:
        events = list(stream)
    assert events[-1].type == "response.incomplete", events[-1]
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def error():
    try:
        client.chat.completions.create(model=model, messages=question, temperature=3)
    except openai.APIStatusError as raised:
        return {"class": type(raised).__name__, "code": raised.code, "param": raised.param}


def refused():
    try:
        openai.OpenAI(api_key="sk-not-the-right-one", max_retries=0).models.list()
    except openai.APIStatusError as raised:
        return type(raised).__name__


text, completion_tokens = streamed()
chat = client.chat.completions.create(messages=question, max_tokens=12, **settings)
print(
    json.dumps(
        {
            "chat": chat.choices[0].message.content,
            "streamed": text,
            "usage": completion_tokens,
            "call": call(),
            "person": person(),
            "completion": client.completions.create(
                prompt="The capital of France is", max_tokens=4, **settings
            ).choices[0].text,
            "response": client.responses.create(input=question, max_output_tokens=12, **settings).output_text,
            "streamedResponse": streamed_response(),
            "models": [served.id for served in client.models.list()],
            "error": error(),
            "refused": refused(),
        }
    )
)
