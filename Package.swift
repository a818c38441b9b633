// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // Regular expressions, which are imported unasked, would be a tenth of the binary.
    .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"]),
]

/// Tests keep the language rules, but may call the C library without ceremony.
let relaxed: [SwiftSetting] = [.swiftLanguageMode(.v6)]

/// What the C targets are compiled with. VFS_RUN_SANITIZE=1 adds the sanitizers of addresses and of
/// undefined behaviour; what they find ends the process.
let strictC: [CSetting] = [
    .unsafeFlags(
        ["-Wall", "-Wextra", "-Werror", "-Wvla"]
            + (Context.environment["VFS_RUN_SANITIZE"] == nil
                ? []
                : [
                    "-fsanitize=address,undefined", "-fno-sanitize=function",
                    "-fno-sanitize-recover=undefined",
                ])
            + (Context.environment["VFS_RUN_FUZZ"] == nil ? [] : ["-fsanitize=fuzzer-no-link"]))
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "vfs-run",
    products: [.executable(name: "vfs-run", targets: ["vfs-run"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1")
    ],
    targets: [
        .target(name: "CLinux", cSettings: strictC),
        .target(name: "CResources"),
        .target(name: "CSwiftParts", cSettings: strictC),
        .systemLibrary(
            name: "CCap", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(
            name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .target(
            name: "CArchiveSupport", cSettings: strictC),
        .systemLibrary(
            name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(
            name: "LinuxSystem", dependencies: ["CLinux", "CCap", system], swiftSettings: strict),
        .target(name: "JSON", swiftSettings: strict),
        .target(name: "OCISpec", dependencies: ["JSON"], swiftSettings: strict),
        .target(name: "DBus", dependencies: ["LinuxSystem", system], swiftSettings: strict),
        .target(
            name: "Cgroups", dependencies: ["DBus", "JSON", "LinuxSystem", "OCISpec", system],
            swiftSettings: strict),
        .target(name: "Overlay", dependencies: ["LinuxSystem", system], swiftSettings: strict),
        .target(
            name: "Layers", dependencies: ["Archives", "JSON", "LinuxSystem", "Overlay", system],
            swiftSettings: strict),
        .target(
            name: "Seccomp", dependencies: ["CSeccomp", "LinuxSystem", "OCISpec", system],
            swiftSettings: strict),
        .target(
            name: "Archives",
            dependencies: ["CArchive", "CArchiveSupport", "CZlib", "CZstd", "LinuxSystem"],
            swiftSettings: strict),
        .target(
            name: "ContainerRuntime",
            dependencies: [
                "Archives", "Cgroups", "CResources", "Images", "JSON", "Layers", "LinuxSystem",
                "OCISpec", "Overlay", "Seccomp", system,
            ],
            swiftSettings: strict),
        .target(
            name: "Supervision",
            dependencies: ["Cgroups", "ContainerRuntime", "Layers", "LinuxSystem", system],
            swiftSettings: strict),
        .target(
            name: "Report",
            dependencies: [
                "Cgroups", "ContainerRuntime", "JSON", "LinuxSystem", "Supervision",
            ],
            swiftSettings: strict),
        .target(
            name: "Doctor", dependencies: ["Cgroups", "JSON", "LinuxSystem", "Overlay", system],
            swiftSettings: strict),
        .target(
            name: "Selftest", dependencies: ["JSON", "LinuxSystem", system],
            swiftSettings: strict),
        .target(
            name: "Explain",
            dependencies: ["Cgroups", "JSON", "LinuxSystem", "OCISpec", "Seccomp", system],
            swiftSettings: strict),
        .target(
            name: "Images", dependencies: ["Archives", "JSON", "Layers", "LinuxSystem", system],
            swiftSettings: strict),
        .target(
            name: "Batch",
            dependencies: [
                "ContainerRuntime", "JSON", "Layers", "LinuxSystem", "Report", "Supervision",
                system,
            ],
            swiftSettings: strict),
        .target(
            name: "Sandbox",
            dependencies: [
                "Cgroups", "ContainerRuntime", "JSON", "Layers", "LinuxSystem", "OCISpec", system,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "vfs-run",
            dependencies: [
                "Archives", "Batch", "Cgroups", "ContainerRuntime", "CResources", "CSwiftParts",
                "Doctor", "Explain", "Images", "JSON", "Layers", "LinuxSystem", "OCISpec", "Report",
                "Sandbox",
                "Seccomp",
                "Selftest", "Supervision",
                system,
            ],
            swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["DBus", "JSON", "LinuxSystem", system],
            path: "Tests/TestSupport", swiftSettings: relaxed),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: relaxed),
        .testTarget(
            name: "OCISpecTests", dependencies: ["OCISpec", "JSON"], swiftSettings: relaxed),
        .testTarget(
            name: "LinuxSystemTests", dependencies: ["LinuxSystem", "TestSupport", system],
            swiftSettings: relaxed),
        .testTarget(
            name: "DBusTests", dependencies: ["DBus", "LinuxSystem", "TestSupport", system],
            swiftSettings: relaxed),
        .testTarget(
            name: "CgroupsTests",
            dependencies: [
                "Cgroups", "DBus", "JSON", "LinuxSystem", "OCISpec", "TestSupport", system,
            ],
            swiftSettings: relaxed),
        .testTarget(
            name: "OverlayTests",
            dependencies: ["Overlay", "LinuxSystem", "TestSupport", system],
            swiftSettings: relaxed),
        .testTarget(
            name: "LayersTests",
            dependencies: ["JSON", "Layers", "LinuxSystem", "Overlay", "TestSupport", system],
            swiftSettings: relaxed),
        .testTarget(
            name: "SeccompTests",
            dependencies: [
                "CSeccomp", "JSON", "LinuxSystem", "OCISpec", "Seccomp", "TestSupport", system,
            ],
            swiftSettings: relaxed),
        .testTarget(
            name: "ArchivesTests", dependencies: ["Archives", "CArchiveSupport", "LinuxSystem"],
            swiftSettings: relaxed),
        .testTarget(
            name: "ImagesTests",
            dependencies: ["Archives", "Images", "JSON", "LinuxSystem", "TestSupport", system],
            swiftSettings: relaxed),
        .testTarget(
            name: "ContainerRuntimeTests",
            dependencies: [
                "Cgroups", "ContainerRuntime", "JSON", "LinuxSystem", "OCISpec", "Seccomp",
                "TestSupport", system,
            ],
            swiftSettings: relaxed),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "ContainerRuntime", "JSON", "LinuxSystem", "Sandbox", "TestSupport", system,
            ],
            swiftSettings: relaxed),
        .testTarget(
            name: "ReportTests",
            dependencies: ["Cgroups", "ContainerRuntime", "LinuxSystem", "Report", "Supervision"],
            swiftSettings: relaxed),
        .testTarget(
            name: "DoctorTests",
            dependencies: ["Cgroups", "Doctor", "JSON", "LinuxSystem", system],
            swiftSettings: relaxed),
        .testTarget(
            name: "ExplainTests",
            dependencies: ["Explain", "JSON", "LinuxSystem", "Seccomp"],
            swiftSettings: relaxed),
        .executableTarget(
            name: "outcome",
            dependencies: [
                "Cgroups", "ContainerRuntime", "JSON", "LinuxSystem", "Supervision", system,
            ],
            path: "Tests/outcome", swiftSettings: relaxed),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["Archives", "CLinux", "DBus", "JSON", "TestSupport", "outcome"],
            swiftSettings: relaxed),
    ]
)

// fuzz/run builds this one, with the sanitizer that brings its own driver.
if Context.environment["VFS_RUN_FUZZ"] != nil {
    package.targets.append(
        .target(
            name: "FuzzConfinement", path: "fuzz/confinement",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]))
    package.targets.append(
        .executableTarget(
            name: "fuzzer",
            dependencies: [
                "Archives", "ContainerRuntime", "Explain", "FuzzConfinement", "Images", "JSON",
                "Layers",
                "LinuxSystem", "OCISpec", "Seccomp", system,
            ], path: "fuzz/targets", swiftSettings: relaxed,
            linkerSettings: [.unsafeFlags(["-use-ld=lld"])]))
}
