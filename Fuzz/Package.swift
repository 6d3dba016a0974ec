// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The readers of this program, built with the address sanitizer and libFuzzer's coverage; `scripts/fuzz` builds it.
//
// It is a package of its own so that nothing else needs the fuzzer's runtime, and one package, because what it calls is
// `package` there too: Sources and Harness are links into the program.

/// What `scripts/fuzz` finds beside the compiler; libFuzzer without its own main.
let runtime =
  ProcessInfo.processInfo.environment["FUZZER_RUNTIME"] ?? "libclang_rt.fuzzer_no_main.a"

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
]
let watched: [SwiftSetting] =
  strict + [
    .unsafeFlags([
      "-sanitize=address",
      "-sanitize-coverage=edge,indirect-calls,trace-cmp,inline-8bit-counters,pc-table",
    ])
  ]

let package = Package(
  name: "Fuzz",
  dependencies: [
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", path: "Sources/COpenBLAS", pkgConfig: "openblas"),
    .systemLibrary(name: "CHDF5", path: "Sources/CHDF5", pkgConfig: "hdf5"),
    .target(name: "VectorKernels", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "MappingGuard"),
    .target(
      name: "Model", dependencies: ["COpenBLAS", "MappingGuard", "VectorKernels"],
      swiftSettings: watched),
    .target(
      name: "Checkpoints",
      dependencies: ["CHDF5", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: watched),
    .target(
      name: "DistTrain",
      dependencies: ["Model", "Yams", .product(name: "Crypto", package: "swift-crypto")],
      sources: ["Configuration", "Data", "Launch/JobProcesses.swift"],
      swiftSettings: watched),
    .target(
      name: "FuzzHarness", dependencies: ["Checkpoints", "Model", "DistTrain"], path: "Harness",
      swiftSettings: watched),
    .executableTarget(
      name: "Fuzzer", dependencies: ["FuzzHarness"], path: "Runner", swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(["-sanitize=address", "-use-ld=lld", "-Xlinker", runtime]),
        .linkedLibrary("stdc++"),
      ]),
  ]
)
