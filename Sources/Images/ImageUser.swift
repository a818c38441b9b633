/// The user that an image's config names, as numbers.
struct ImageUser: Sendable, Hashable {
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
    /// Of the groups that list the user as a member.
    var additionalGroups: [UInt32] = []
}
