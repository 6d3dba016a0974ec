import DistTrain
import Model
import TestSupport
import Testing

/// Templates in the manner of the published ones: control flow, then literals with escapes.
private enum Templates {
  static let qwen25 = #"""
    {%- if tools %}
        {{- '<|im_start|>system\n' }}
        {%- if messages[0]['role'] == 'system' %}
            {{- messages[0]['content'] }}
        {%- else %}
            {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
        {%- endif %}
        {{- "\n\n# Tools\n" }}{{- "<|im_end|>\n" }}
    {%- else %}
        {%- if messages[0]['role'] == 'system' %}
            {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
        {%- else %}
            {{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    """#
  static let qwen3 = #"""
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning + '\n</think>\n\n' + content }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
    """#
  static let smolLM2 = #"""
    {% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
    You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
    ' }}{% endif %}{{'<|im_start|>' + message['role'] + '
    ' + message['content'] + '<|im_end|>' + '
    '}}{% endfor %}
    """#
  static let bare =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + m.content + '<|im_end|>' }}{% endfor %}"
  static let llama = "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>' }}"
}

struct ChatTemplateTests {
  private static let smolLine =
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

  @Test func `system line and thoughts are read from a template`() {
    #expect(ChatTemplate(source: Templates.qwen25) == .qwen25)
    #expect(ChatTemplate(source: Templates.qwen3) == .qwen3)
    #expect(
      ChatTemplate(source: Templates.smolLM2) == ChatTemplate(system: Self.smolLine, thinks: false))
    #expect(ChatTemplate(source: Templates.bare) == ChatTemplate(system: nil, thinks: false))
  }

  @Test(arguments: [
    (
      #"{{ '<|im_start|>system\nUse \\boxed{} and it\'s fine.<|im_end|>\n' }}"#,
      #"Use \boxed{} and it's fine."#
    ),
    (
      #"{{ "<|im_start|>system\nYou're a \"cook\".\nBe short.<|im_end|>\n" }}"#,
      "You're a \"cook\".\nBe short."
    ),
    ("{% if x %}<|im_start|>system\nPlain text.<|im_end|>\n{% endif %}", "Plain text."),
    ("<|im_start|>system\n{{ system }}<|im_end|>", nil),
    (#"{{ '<|im_start|>system\n<|im_end|>\n' }}"#, nil),
    (#"{{ '<|im_start|>system\n' }}{{ x }}{{ '<|im_end|>' }}"#, nil),
  ])
  func `a default system line is a whole literal`(source: String, system: String?) {
    #expect(ChatTemplate(source: source).system == system)
  }

  private static func template(
    _ files: [String: String], _ architecture: QwenConfiguration.Architecture = .qwen2
  ) throws -> ChatTemplate {
    let folder = try TemporaryFolder()
    for (name, text) in files { _ = try folder.write(text, to: name) }
    return try ChatTemplate(modelFolder: folder.path, architecture: architecture)
  }

  private static func config(_ template: JSONValue) -> [String: String] {
    ["tokenizer_config.json": JSONValue.object(["chat_template": template]).text()]
  }

  @Test func `the model folder decides, not the architecture`() throws {
    #expect(try Self.template(Self.config(.string(Templates.qwen3)), .qwen2) == .qwen3)
    #expect(try Self.template(Self.config(.string(Templates.qwen25)), .qwen3) == .qwen25)
    #expect(
      try Self.template(Self.config(.string(Templates.smolLM2)), .llama).system == Self.smolLine)
    #expect(try Self.template(["chat_template.jinja": Templates.qwen3]) == .qwen3)
    let both = Self.config(.string(Templates.qwen25)).merging(
      ["chat_template.jinja": Templates.smolLM2]
    ) { $1 }
    #expect(try Self.template(both).system == Self.smolLine, "the jinja file wins")
  }

  @Test func `the default of several templates is taken`() throws {
    let named: JSONValue = .array([
      .object(["name": .string("tool_use"), "template": .string(Templates.qwen3)]),
      .object(["name": .string("default"), "template": .string(Templates.smolLM2)]),
    ])
    #expect(try Self.template(Self.config(named)).system == Self.smolLine)
  }

  @Test func `a folder without a template has its family's`() throws {
    #expect(try Self.template([:], .qwen2) == .qwen25)
    #expect(try Self.template([:], .qwen3) == .qwen3)
    #expect(try Self.template(["tokenizer_config.json": "{}"], .qwen3) == .qwen3)
    #expect(try Self.template(Self.config(.null), .qwen2) == .qwen25)
  }

  @Test func `what is not known is refused with what is`() {
    let cases: [([String: String], QwenConfiguration.Architecture, String)] = [
      (
        Self.config(.string(Templates.llama)), .qwen2, "an unknown kind of chat template; known are"
      ),
      (["chat_template.jinja": Templates.llama], .qwen3, "chat_template.jinja: an unknown kind"),
      ([:], .llama, "has no chat template"),
      (Self.config(.integer(3)), .qwen2, "is a number; expected a string"),
      (Self.config(.array([])), .qwen2, "is a list without a template named default"),
      (["tokenizer_config.json": "{"], .qwen2, "tokenizer_config.json: line 1"),
    ]
    for (files, architecture, reason) in cases {
      let error = #expect(throws: ModelError.self) { try Self.template(files, architecture) }
      #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }
  }

  @Test func `an unknown template stops only who asks for chat`() throws {
    let tiny = try TinyRun()
    try tiny.write(Templates.llama, to: "chat_template.jinja")
    #expect(throws: Never.self) { try QuestionSamples.inputs(tiny) }
    let error = #expect(throws: ModelError.self) {
      try QuestionSamples.inputs(tiny, ["prompt_template=chat"])
    }
    #expect(error?.description.contains("use prompt_template: plain") == true)
    try tiny.write(Templates.smolLM2, to: "chat_template.jinja")
    let inputs = try QuestionSamples.inputs(tiny, ["prompt_template=chat"])
    #expect(inputs.chatTemplate.system == Self.smolLine)
  }
}
