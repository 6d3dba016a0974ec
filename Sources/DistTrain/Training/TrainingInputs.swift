package import Checkpoints
package import Collective
package import Model

/// Everything a run reads before its first step but the weights, and what its method makes of it; the same on every rank.
package protocol TrainingInputs: Sendable {
  /// A question in tokens.
  associatedtype Example: Sendable
  associatedtype Model: Learner

  /// Reads and checks all inputs but the weights.
  init(_ configuration: RunConfiguration) throws

  var configuration: RunConfiguration { get }
  var dataset: Dataset { get }
  var split: Split { get }

  // MARK: Data

  /// Indices of the questions of an epoch; one may stand there more than once.
  var trainingQuestions: [Int] { get }
  /// Whether the examples of one epoch differ from those of another.
  var changesWithEpoch: Bool { get }
  /// Whether a model sees positions among the options.
  var showsLetters: Bool { get }
  /// Questions as training sees them; `epoch` is nil outside of training.
  func examples(_ indices: [Int], epoch: Int?) throws -> [Example]
  func microBatch(_ examples: [Example]) -> Model.Batch
  /// What the passes over one micro-batch of these examples need.
  func plan(_ examples: [Example]) -> Model.Plan
  /// What the loss of a micro-batch is divided by, summed over the window.
  func normalization(_ batch: Model.Batch) -> Int
  func tokenCount(_ example: Example) -> Int
  /// A question ready to be scored.
  ///
  /// - Parameter hidesQuestion: Leaves the question's text out, to see what the options alone give away.
  func scoringItem(_ question: Question, hidesQuestion: Bool) throws -> ScoringItem

  // MARK: Model

  /// Reads the weights.
  ///
  /// - Parameters:
  ///   - training: What the largest training micro-batch needs; nil where nothing is trained.
  ///   - texts: Batches whose loss will be asked for in validation.
  ///   - prefetches: For one rank of each host.
  func load(
    training: Model.Plan?, scoring items: [ScoringItem], texts: [Model.Batch], prefetches: Bool
  ) throws -> Model
  /// Throws what `load` and `Learner.start` would.
  func checkWeights() throws
  /// Batches whose loss validation asks for besides the scores of its questions.
  func validationTexts() throws -> [Model.Batch]
  /// The tensors of the arenas, as a checkpoint names them.
  var tensors: [CheckpointTensor] { get }
  var architecture: String { get }
  /// Parameters of the model that is given.
  var baseParameterCount: Int { get }
  /// Parameters of the model with what is trained.
  var parameterCount: Int { get }
  /// What passes of several micro-batches need, the largest of which needs `plan`.
  func joining(_ plan: Model.Plan) throws -> Model.Plan
  /// What checkpoints keep besides of the method.
  var methodRecord: JSONObject { get }
  /// Floating-point operations of training for each token.
  var operationsPerToken: Double { get }
  /// The files of the weights and their configuration.
  func weightFiles() throws(ModelError) -> [String]
  var tokenizerFile: String { get }

  // MARK: Reports

  /// What is trained: "adapter" or "model".
  static var product: String { get }
  /// The tool that loads it.
  static var reader: String { get }
  /// Memory of a run; `program` is what the program itself takes.
  func memory(training: Model.Plan, scoring: Model.Plan, program: Int) throws -> MemoryEstimate
  func addRows(to screen: inout FirstScreen, _ examples: [Example]) throws
  /// Writes what was trained into a folder named as `product` in the run's.
  func write(_ parameters: borrowing FloatBuffer, to folder: RunFolder) throws
}

extension TrainingInputs {
  /// The questions at `indices`.
  package func questions(_ indices: [Int]) -> [Question] { indices.map { dataset.questions[$0] } }
}

/// The passes that train a model and score questions with it.
///
/// Its parameters lie in arenas of the caller's.
package protocol Learner: AnyObject {
  associatedtype Batch: TrainingBatch
  associatedtype Pass: TrainingPass
  associatedtype Plan: PassPlan

  /// Elements of an arena.
  var parameterCount: Int { get }
  /// The tensor that holds an element of an arena.
  func tensorName(at index: Int) -> String?
  /// The arenas cut where weight decay begins or ends to apply; nil where it applies everywhere.
  var decaySections: [(range: Range<Int>, decays: Bool)]? { get }
  /// What training begins with.
  func start() throws -> FloatBuffer
  /// What is scored without training: the adapter or model that is given, or the one that a run wrote into `folder`.
  func given(in folder: String?) throws -> FloatBuffer
  /// What has learned nothing of the questions.
  func untrained() throws -> FloatBuffer
  /// The micro-batches at `indices`, as they go through the model: one after the other, or some together.
  ///
  /// - Parameter first: The number of the first of `batches` among all of the run; dropout depends on it and the seed.
  func passes(_ batches: [Batch], first: Int, among indices: [Int]) -> [Pass]
  /// Writes the sum of the losses of each micro-batch of one pass to its place in `losses`.
  ///
  /// - Parameter sink: Gets each one's gradient.
  func forwardBackward(
    _ pass: Pass, parameters: borrowing FloatBuffer, losses: inout [Double], sink: GradientSink)
  /// Where the gradient of a batch may differ from zero, ascending.
  func touchedRanges(_ batch: Batch) -> [Range<Int>]
  /// What every question's options are compared by.
  ///
  /// Communication: the ranks compute for each other.
  func scores(
    _ items: [ScoringItem], parameters: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> [ScoredItem]
  /// The mean loss of a validation without dropout, and its scores.
  ///
  /// Communication: the ranks compute for each other.
  func validation(
    _ items: [ScoringItem], _ texts: [Batch], parameters: borrowing FloatBuffer,
    over ranks: Communicator
  ) throws -> (loss: Double, scored: [ScoredItem])
  /// What the largest scored batch needs.
  var scoringPlan: Plan { get }
  /// Where the time of forward and backward passes goes.
  var profile: PassProfile { get }

  // MARK: Benchmarks

  /// The parts of `profile` that its passes have, as reports call them.
  static var profileParts: [(part: PassProfile.Part, name: String)] { get }
  /// How fast products of `tokens` rows run at the model's shapes, measured for about `seconds` each.
  func productRate(tokens: Int, seconds: Double, progress: () -> Void) -> ProductRate
  /// Operations of products in the passes over a micro-batch.
  func productOperations(_ batch: Batch) -> Double
}

/// What the loss of an optimizer step is accumulated over.
package protocol TrainingBatch: Sendable {
  /// [tokens]
  var tokens: [Int32] { get }
}

/// What one forward and backward pass is over.
package protocol TrainingPass: Sendable {
  /// Places of its micro-batches in the window.
  var indices: [Int] { get }
}

/// The sizes that passes need.
package protocol PassPlan: Sendable {
  /// The plan that fits what either of the two fits.
  func union(_ other: Self) -> Self
}

extension MicroBatch: TrainingBatch {}
extension ChoiceBatch: TrainingBatch {}
extension ActivationPlan: PassPlan {}
extension EncoderPlan: PassPlan {}
