namespace Fpn.IlGpu.Tests.Course;

/// <summary>A solution with a mistake that learners make.</summary>
/// <param name="Chapter">The chapter whose exercise it claims to solve.</param>
/// <param name="Mistake">What is wrong with it.</param>
/// <param name="Hint">What the checker's message must say.</param>
/// <param name="Check">Runs the chapter's checker on it.</param>
internal sealed record WrongSolution(int Chapter, string Mistake, string Hint, Action Check)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<WrongSolution> All { get; } =
    [
        .. WrongChapter01.All, .. WrongChapter02.All, .. WrongChapter03.All, .. WrongChapter04.All, .. WrongChapter05.All,
        .. WrongChapter06.All, .. WrongChapter07.All, .. WrongChapter08.All, .. WrongChapter09.All, .. WrongChapter10.All,
        .. WrongChapter11.All, .. WrongChapter12.All, .. WrongChapter13.All, .. WrongChapter14.All,
    ];
}
