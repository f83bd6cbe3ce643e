using System.Diagnostics;
using System.Runtime.CompilerServices;
using Fpn.IlGpu.Course;
using Fpn.IlGpu.Course.Checks;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>
/// Checks the checkers of the course: each refuses its skeleton and says where to begin, accepts its solution, and refuses at least five
/// wrong solutions with a hint at the mistake.
/// </summary>
public sealed class CourseTests
{
    private const int Chapters = 14;
    private const int LeastWrong = 5;

    private static string? caller;

    private static IEnumerable<TestCaseData> Skeletons => Cases(
        ("1", () => Chapter01Check.Check(IlGpu.Course.Exercises.Chapter01.Kernel)),
        ("2", () => Chapter02Check.Check(IlGpu.Course.Exercises.Chapter02.Kernel)),
        ("3", () => Chapter03Check.Check(IlGpu.Course.Exercises.Chapter03.Kernel)),
        ("4, the pool", () => Chapter04Check.Check(IlGpu.Course.Exercises.Chapter04.MaxPool)),
        ("4, the fields", () => Chapter04Check.Check(IlGpu.Course.Exercises.Chapter04.After)),
        ("5, naive", () => Chapter05Check.Check(IlGpu.Course.Exercises.Chapter05.Naive)),
        ("5, tiled", () => Chapter05Check.Check(IlGpu.Course.Exercises.Chapter05.Tiled)),
        ("6", () => Chapter06Check.Check(IlGpu.Course.Exercises.Chapter06.Kernel)),
        ("7, the 3×3", () => Chapter07Check.Check(IlGpu.Course.Exercises.Chapter07.Smooth)),
        ("7, P6", () => Chapter07Check.Check(IlGpu.Course.Exercises.Chapter07.Subsample)),
        ("8, anchors", () => Chapter08Check.Check(IlGpu.Course.Exercises.Chapter08.Anchor)),
        ("8, decoding", () => Chapter08Check.Check(IlGpu.Course.Exercises.Chapter08.Decode)),
        ("8, encoding", () => Chapter08Check.Check(IlGpu.Course.Exercises.Chapter08.Encode)),
        ("8, the kernel", () => Chapter08Check.Check(IlGpu.Course.Exercises.Chapter08.Kernel)),
        ("9", () => Chapter09Check.Check(IlGpu.Course.Exercises.Chapter09.Kernel)),
        ("10, IoU", () => Chapter10Check.Check(IlGpu.Course.Exercises.Chapter10.IntersectionOverUnion)),
        ("10, the mask", () => Chapter10Check.Check(IlGpu.Course.Exercises.Chapter10.Mask)),
        ("10, what is kept", () => Chapter10Check.Check(IlGpu.Course.Exercises.Chapter10.Keep)),
        ("11, levels", () => Chapter11Check.Check(IlGpu.Course.Exercises.Chapter11.Level)),
        ("11, RoIAlign", () => Chapter11Check.Check(IlGpu.Course.Exercises.Chapter11.Kernel)),
        ("12, the pyramid", () => Chapter12Check.CheckPyramid(CourseKernels.Yours, IlGpu.Course.Exercises.Chapter12.Pyramid)),
        ("12, regions", () => Chapter12Check.CheckRegions(CourseKernels.Yours, IlGpu.Course.Exercises.Chapter12.Propose)),
        ("12, objects", () => Chapter12Check.CheckObjects(CourseKernels.Yours, IlGpu.Course.Exercises.Chapter12.Find)),
        ("12, the detector", () => Chapter12Check.CheckDetector(CourseKernels.Yours, IlGpu.Course.Exercises.Chapter12.Pyramid, IlGpu.Course.Exercises.Chapter12.Propose, IlGpu.Course.Exercises.Chapter12.Find)),
        ("13, convolution", () => Chapter13Check.Check(IlGpu.Course.Exercises.Chapter13.Convolution)),
        ("13, upsampling", () => Chapter13Check.Check(IlGpu.Course.Exercises.Chapter13.Upsampling)),
        ("14, counts", () => Chapter14Check.Check(IlGpu.Course.Exercises.Chapter14.Count)),
        ("14, the kernel", () => Chapter14Check.Check(IlGpu.Course.Exercises.Chapter14.Kernel)));

    private static IEnumerable<TestCaseData> Solutions => Cases(
        ("1", () => Chapter01Check.Check(IlGpu.Course.Solutions.Chapter01.Kernel)),
        ("2", () => Chapter02Check.Check(IlGpu.Course.Solutions.Chapter02.Kernel)),
        ("3", () => Chapter03Check.Check(IlGpu.Course.Solutions.Chapter03.Kernel)),
        ("4, the pool", () => Chapter04Check.Check(IlGpu.Course.Solutions.Chapter04.MaxPool)),
        ("4, the fields", () => Chapter04Check.Check(IlGpu.Course.Solutions.Chapter04.After)),
        ("5, naive", () => Chapter05Check.Check(IlGpu.Course.Solutions.Chapter05.Naive)),
        ("5, tiled", () => Chapter05Check.Check(IlGpu.Course.Solutions.Chapter05.Tiled)),
        ("6", () => Chapter06Check.Check(IlGpu.Course.Solutions.Chapter06.Kernel)),
        ("7, the 3×3", () => Chapter07Check.Check(IlGpu.Course.Solutions.Chapter07.Smooth)),
        ("7, P6", () => Chapter07Check.Check(IlGpu.Course.Solutions.Chapter07.Subsample)),
        ("8, anchors", () => Chapter08Check.Check(IlGpu.Course.Solutions.Chapter08.Anchor)),
        ("8, decoding", () => Chapter08Check.Check(IlGpu.Course.Solutions.Chapter08.Decode)),
        ("8, encoding", () => Chapter08Check.Check(IlGpu.Course.Solutions.Chapter08.Encode)),
        ("8, the kernel", () => Chapter08Check.Check(IlGpu.Course.Solutions.Chapter08.Kernel)),
        ("9", () => Chapter09Check.Check(IlGpu.Course.Solutions.Chapter09.Kernel)),
        ("10, IoU", () => Chapter10Check.Check(IlGpu.Course.Solutions.Chapter10.IntersectionOverUnion)),
        ("10, the mask", () => Chapter10Check.Check(IlGpu.Course.Solutions.Chapter10.Mask)),
        ("10, what is kept", () => Chapter10Check.Check(IlGpu.Course.Solutions.Chapter10.Keep)),
        ("11, levels", () => Chapter11Check.Check(IlGpu.Course.Solutions.Chapter11.Level)),
        ("11, RoIAlign", () => Chapter11Check.Check(IlGpu.Course.Solutions.Chapter11.Kernel)),
        ("12, the pyramid", () => Chapter12Check.CheckPyramid(IlGpu.Course.Solutions.Chapter12.Kernels, IlGpu.Course.Solutions.Chapter12.Pyramid)),
        ("12, regions", () => Chapter12Check.CheckRegions(IlGpu.Course.Solutions.Chapter12.Kernels, IlGpu.Course.Solutions.Chapter12.Propose)),
        ("12, objects", () => Chapter12Check.CheckObjects(IlGpu.Course.Solutions.Chapter12.Kernels, IlGpu.Course.Solutions.Chapter12.Find)),
        ("12, the detector", () => Chapter12Check.CheckDetector(IlGpu.Course.Solutions.Chapter12.Kernels, IlGpu.Course.Solutions.Chapter12.Pyramid, IlGpu.Course.Solutions.Chapter12.Propose, IlGpu.Course.Solutions.Chapter12.Find)),
        ("13, convolution", () => Chapter13Check.Check(IlGpu.Course.Solutions.Chapter13.Convolution)),
        ("13, upsampling", () => Chapter13Check.Check(IlGpu.Course.Solutions.Chapter13.Upsampling)),
        ("14, counts", () => Chapter14Check.Check(IlGpu.Course.Solutions.Chapter14.Count)),
        ("14, the kernel", () => Chapter14Check.Check(IlGpu.Course.Solutions.Chapter14.Kernel)));

    private static IEnumerable<TestCaseData> WrongSolutions
        => WrongSolution.All.Select(wrong => new TestCaseData(wrong).SetArgDisplayNames($"{wrong.Chapter}: {wrong.Mistake}"));

    [TestCaseSource(nameof(Skeletons))]
    public void A_skeleton_fails_and_says_where_to_begin(Action check)
    {
        var refusal = Assert.Throws<CheckFailedException>(() => check());
        Assert.That(refusal!.Message, Does.Match(@"Fill in the hole in Fpn\.IlGpu\.Course/Exercises/Chapter\d\d\.cs\."));
    }

    [TestCaseSource(nameof(Solutions))]
    public void A_solution_passes(Action check) => Assert.That(() => check(), Throws.Nothing);

    [TestCaseSource(nameof(WrongSolutions))]
    public void A_wrong_solution_is_refused_with_a_hint(object solution)
    {
        var wrong = (WrongSolution)solution;
        var refusal = Assert.Throws<CheckFailedException>(() => wrong.Check());
        Assert.That(refusal!.Message, Does.StartWith($"Chapter {wrong.Chapter}, ").And.Contain(wrong.Hint));
    }

    [Test]
    public void A_kernel_is_called_as_the_method_that_a_breakpoint_is_set_in()
    {
        using var output = new GlobalArray<int>("output", new int[1]);
        CourseDevice.Run(Kernel, 1, output.View, 5);
        Assert.That(output.ToArray(), Is.EqualTo((int[])[5]));
        Assert.That(caller, Is.EqualTo(nameof(Kernel)));
    }

    [Test]
    public void Each_chapter_has_at_least_five_wrong_solutions()
        => Assert.That(
            Enumerable.Range(1, Chapters).Select(chapter => WrongSolution.All.Count(wrong => wrong.Chapter == chapter)),
            Has.All.GreaterThanOrEqualTo(LeastWrong));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Kernel(Index1D index, GlobalView<int> output, int value)
    {
        NoteCaller();
        output[index] = value;
    }

    [IntrinsicImplementation]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void NoteCaller() => caller = new StackFrame(1).GetMethod()?.Name;

    private static IEnumerable<TestCaseData> Cases(params (string Name, Action Check)[] cases)
        => cases.Select(c => new TestCaseData(c.Check).SetArgDisplayNames(c.Name));
}
