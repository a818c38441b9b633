internal import LinuxSystem
internal import SystemPackage

extension CapabilitySet {
    /// How many, for people.
    var words: String {
        switch count {
        case 0: "no capability"
        case 1: "1 capability"
        default: "\(count) capabilities"
        }
    }
}
