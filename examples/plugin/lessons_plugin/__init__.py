"""A plug-in that pays: TEXT_GENERATION by any endpoint that speaks OpenAI's chat completions."""
