// swift-tools-version: 6.2
import PackageDescription

/// One set of settings for every Swift target.
///
/// `Lifetimes`: views that may not outlive their buffer are types of ours, which needs this flag until the feature
/// leaves its review; the toolchain version is pinned.
let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "DistTrain",
  products: [.executable(name: "disttrain", targets: ["DistTrain"])],
  traits: [
    .trait(name: "OneDNN", description: "precision: bfloat16 through oneDNN (libdnnl)"),
    .default(enabledTraits: ["OneDNN"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .target(name: "MPIShim", dependencies: ["COpenMPI"]),
    .target(name: "VectorKernels", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "MappingGuard"),
    .target(
      name: "Collective", dependencies: ["MPIShim", "VectorKernels"], swiftSettings: strict),
    .target(
      name: "Model",
      dependencies: [
        "COpenBLAS", "MappingGuard", "VectorKernels",
        .target(name: "COneDNN", condition: .when(traits: ["OneDNN"])),
      ],
      swiftSettings: strict),
    .target(
      name: "Checkpoints",
      dependencies: ["CHDF5", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),
    .executableTarget(
      name: "DistTrain",
      dependencies: [
        "Checkpoints", "Collective", "Model", "VectorKernels", "Yams",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      resources: [.copy("Demo"), .copy("Recipes")],
      swiftSettings: strict),
    .target(
      name: "TestSupport",
      dependencies: ["Model", .product(name: "Subprocess", package: "swift-subprocess")],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    .executableTarget(
      name: "CollectiveProbe", dependencies: ["Collective"], path: "Tests/CollectiveProbe",
      swiftSettings: strict),
    .executableTarget(
      name: "CollectiveBenchmark", dependencies: ["Collective", "VectorKernels"],
      path: "Benchmarks/CollectiveBenchmark", swiftSettings: strict),
    .executableTarget(
      name: "KernelBenchmark", dependencies: ["VectorKernels"],
      path: "Benchmarks/KernelBenchmark", swiftSettings: strict),
    .executableTarget(
      name: "EncoderBenchmark", dependencies: ["Model"], path: "Benchmarks/EncoderBenchmark",
      swiftSettings: strict),
    .executableTarget(
      name: "CheckpointTrials", dependencies: ["CHDF5", "Checkpoints"],
      path: "Benchmarks/CheckpointTrials", swiftSettings: strict),
    .testTarget(
      name: "CollectiveTests",
      dependencies: [
        "Collective", "CollectiveProbe", "TestSupport",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ModelTests", dependencies: ["Model", "TestSupport", "VectorKernels"],
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests", dependencies: ["Checkpoints", "DistTrain", "Model"], swiftSettings: strict),
    .testTarget(
      name: "DistTrainTests",
      dependencies: [
        "Checkpoints", "DistTrain", "TestSupport",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
  ]
)
