/// The platform that an image was built for, by the names of Go.
public struct Platform: Sendable, Hashable, CustomStringConvertible {
    public var system: String
    public var architecture: String
    public var variant: String?

    init(system: String, architecture: String, variant: String? = nil) {
        self.system = system
        self.architecture = architecture
        self.variant = variant?.isEmpty == true ? nil : variant
    }

    /// `linux/arm64/v8`.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(
            system: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : nil)
    }

    /// This machine's, by the names of Go.
    public static var current: Platform {
        #if arch(x86_64)
            Platform(system: "linux", architecture: "amd64")
        #elseif arch(arm64)
            Platform(system: "linux", architecture: "arm64")
        #endif
    }

    public var description: String {
        "\(system)/\(architecture)" + (variant.map { "/" + $0 } ?? "")
    }
}

/// Which images fit a platform, by the rules of containerd (platforms.Normalize, platforms.Only).
extension Platform {
    /// A processor in one way of writing.
    private struct Processor: Hashable {
        var architecture: String
        /// Nil for the one that every processor of the architecture is at least.
        var variant: String?
    }

    private var processor: Processor {
        let variant = self.variant?.lowercased()
        switch architecture.lowercased() {
        case "i386": return Processor(architecture: "386")
        case "amd64", "x86_64", "x86-64":
            return Processor(architecture: "amd64", variant: variant == "v1" ? nil : variant)
        case "arm64", "aarch64":
            let isPlain = ["8", "v8", "v8.0"].contains(variant)
            return Processor(architecture: "arm64", variant: isPlain ? nil : variant)
        case "armhf": return Processor(architecture: "arm", variant: "v7")
        case "armel": return Processor(architecture: "arm", variant: "v6")
        case "arm":
            let number = variant.map { $0.hasPrefix("v") ? $0 : "v" + $0 }
            return Processor(architecture: "arm", variant: number ?? "v7")
        case let other: return Processor(architecture: other, variant: variant)
        }
    }

    /// The processors whose programs this one runs, the best first.
    private var accepted: [Processor] {
        let own = processor
        /// The variants from this one's down to `last`.
        func older(than variant: String?, downTo last: Int) -> [Processor] {
            guard let number = variant.flatMap({ Int($0.dropFirst()) }), number <= 9 else {
                return []
            }
            return stride(from: number - 1, through: last, by: -1).map {
                Processor(architecture: own.architecture, variant: "v\($0)")
            }
        }
        switch own.architecture {
        case "amd64" where own.variant != nil:
            return [own] + older(than: own.variant, downTo: 2) + [Processor(architecture: "amd64")]
        case "arm64" where own.variant != nil: return [own, Processor(architecture: "arm64")]
        case "arm": return [own] + older(than: own.variant, downTo: 5)
        default: return [own]
        }
    }

    /// How well an image for another platform fits this one, 0 for best; nil where it does not.
    func rank(of other: Platform) -> Int? {
        guard system.lowercased() == other.system.lowercased() else { return nil }
        return accepted.firstIndex(of: other.processor)
    }
}
