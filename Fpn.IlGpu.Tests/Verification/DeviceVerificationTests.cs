using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Ptx;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Verification;

/// <summary>The basis of <c>fpn verify</c>: it passes where all is well, and reports where something is wrong.</summary>
internal sealed class DeviceVerificationTests
{
    private static readonly string[] Large = ["convolution", "matrix product", "d weights", "model"];
    private static readonly VerifiedOperator Right = new("right", [new("some", (_, findings) => findings.Close([1], [1], 0, 0, [1]))]);

    private static IEnumerable<TestCaseData> Problems
        => DetectionCases.Problems.Select(p => new TestCaseData(p).SetArgDisplayNames(p.Name));

    // Max pooling with too small a window and no padding.
    internal static VerifiedOperator Wrong => new("wrong pool",
    [
        new("[1, 4, 4, 2]", (device, findings) =>
        {
            var values = CaseValues.Uniform(32, 1, -3, -1);
            using var input = Tensor.Upload(device, new Shape(1, 4, 4, 2), values);
            using var output = Tensor.Upload(device, new Shape(1, 2, 2, 2), CaseValues.Unwritten(8));
            MaxPool.Run(device, input, 2, 2, 0, output);
            var expected = MaxPool2dReference.Run(values, new(1, 4, 4, 2), (3, 3), (2, 2), (1, 1));
            findings.Close(output.ToArray(), expected, 0, 0, [1, 2, 2, 2]);
        }),
        new("another", (_, findings) => findings.Close([1], [1], 0, 0, [1])),
    ]);

    internal static VerifiedOperator Throwing => new("throwing",
    [
        new("good", (_, findings) => findings.Close([2], [1], 1, 0, [1])),
        new("bad", (_, findings) =>
        {
            findings.Close([1], [1], 0, 0, [1]);
            throw new InvalidOperationException("no\nkernel");
        }),
        new("good again", (_, findings) => findings.Close([1], [1], 0, 0, [1])),
        new("worse", (_, findings) =>
        {
            findings.Close([3], [1], 0, 1, [1], "it");
            throw new DllNotFoundException("no driver");
        }),
        new("never reached", (_, _) => Assert.Fail("the operator has thrown twice and is skipped")),
        new("nor this", (_, _) => Assert.Fail("the operator has thrown twice and is skipped")),
    ]);

    [TestCaseSource(typeof(TestDevices), nameof(TestDevices.Real))]
    public void Every_operator_agrees_and_so_does_the_shipped_model(string id)
    {
        var rows = Verified(id, VerifiedOperators.All);
        Assert.That(rows.Select(r => r.Operator), Is.Unique.And.Member("convolution (Tile)").And.Member("the shipped model"));
        Assert.That(rows.Select(r => r.Cases), Is.All.Positive);
    }

    // Convolutions would take minutes on the interpreter, and have their own tests there.
    [Test]
    public void Every_small_operator_agrees_in_interpreted_ptx()
        => Verified(InterpretedDevice.Id, [.. VerifiedOperators.All.Where(o => !Large.Any(o.Name.Contains))]);

    [Test]
    public void A_wrong_operator_gives_a_mismatch_with_its_shape_and_place()
    {
        using var verification = new DeviceVerification(() => Device.Open("cpu"), [Wrong, Right]);
        var rows = verification.Run().ToArray();
        Assert.That(rows.Select(r => (r.Operator, r.Cases, r.Passed)), Is.EqualTo(new[] { ("wrong pool", 2, false), ("right", 1, true) }));
        Assert.That(rows[0].Mismatches, Has.Count.EqualTo(1));
        Assert.That(rows[0].Mismatches[0], Does.Match(@"^\[1, 4, 4, 2\], \d of 8 values differ, most at \[0, .*instead of"));
        Assert.That((rows[0].Difference, rows[0].Bound), Is.GreaterThan((0.0, 0.0)));
        Assert.That(rows[0].Errors, Is.Empty);
    }

    [Test]
    public void A_case_that_throws_is_reported_and_the_next_gets_a_new_device()
    {
        var opened = new List<Device>();
        var used = new List<Device>();
        var noting = new VerificationCase("noting", (device, findings) =>
        {
            used.Add(device);
            Wrong.Cases(device)[0].Run(device, findings);
        });
        var once = new VerifiedOperator("once", [new("bad", (_, _) => throw new DeviceException("It broke.")), noting]);
        using (var verification = new DeviceVerification(Open, [Right, once, Throwing, new("after", [noting])]))
        {
            var rows = verification.Run().ToArray();
            Assert.That(rows.Select(r => r.Cases), Is.EqualTo(new[] { 1, 1, 2, 1 }));
            Assert.That(rows.Select(r => r.Passed), Is.EqualTo(new[] { true, false, false, false }));
            Assert.That(rows[1].Errors, Is.EqualTo(new[] { "bad: It broke." }));
            Assert.That(rows[1].Mismatches, Has.Count.EqualTo(1), "the case after it ran");
            Assert.That(rows[2].Errors, Is.EqualTo(new[]
            {
                "bad: InvalidOperationException: no kernel", "worse: DllNotFoundException: no driver", "2 more cases were skipped",
            }));
            Assert.That(rows[2].Mismatches, Has.One.StartsWith("worse, it: 3 instead of 1"), "found before it threw");
            Assert.That((rows[2].Difference, rows[2].Bound), Is.EqualTo((2.0, 1.0)));
            Assert.That((rows[3].Errors.Count, rows[3].Mismatches.Count), Is.EqualTo((0, 1)));
        }
        Assert.That(opened, Has.Count.EqualTo(4));
        Assert.That(used, Is.EqualTo(new[] { opened[1], opened[3] }));
        foreach (var device in opened)
            Assert.That(() => device.Guard(() => 0), Throws.TypeOf<ObjectDisposedException>());

        Device Open()
        {
            opened.Add(Device.Open("cpu"));
            return opened[^1];
        }
    }

    [Test]
    public void No_skipped_cases_are_reported_if_none_remain()
    {
        VerificationCase bad = new("bad", (_, _) => throw new DeviceException("It broke."));
        using var verification = new DeviceVerification(() => Device.Open("cpu"), [new("a", [bad, bad])]);
        Assert.That(verification.Run().Single().Errors, Is.EqualTo(new[] { "bad: It broke.", "bad: It broke." }));
    }

    [Test]
    public void A_device_that_does_not_reopen_is_an_error_in_every_following_row()
    {
        var opened = 0;
        Device Open() => opened++ == 0 ? Device.Open("cpu") : throw new DeviceException("It is gone.");
        using var verification = new DeviceVerification(Open, [Throwing, Right, Right with { Name = "other" }]);
        var rows = verification.Run().ToArray();
        Assert.That(rows[0].Errors, Is.EqualTo(new[] { "bad: InvalidOperationException: no kernel", "the device: It is gone." }));
        Assert.That(rows[1..].Select(r => (r.Cases, r.Errors.Single())), Is.All.EqualTo((0, "the device: It is gone.")));
    }

    [Test]
    public void Progress_names_each_case_before_it_runs_and_cancelling_stops_the_run()
    {
        using var source = new CancellationTokenSource();
        var told = new List<VerificationProgress>();
        var ran = 0;
        VerificationCase one = new("one", (_, _) => ran++), stopping = new("stopping", (_, _) => source.Cancel());
        using var verification = new DeviceVerification(() => Device.Open("cpu"), [new("a", [one]), new("b", [stopping, one])]);
        Assert.That(
            () => verification.Run(new Listener(told), source.Token).Count(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(told, Is.EqualTo(new VerificationProgress[] { new(1, 2, "a", "one"), new(2, 2, "b", "stopping") }));
        Assert.That(ran, Is.EqualTo(1));
    }

    [TestCase(float.NaN, 1)]
    [TestCase(1, float.NaN)]
    [TestCase(float.PositiveInfinity, 1)]
    [TestCase(1, float.PositiveInfinity)]
    [TestCase(float.NegativeInfinity, float.PositiveInfinity)]
    [TestCase(1, 1.002f)]
    public void NaN_unequal_infinities_and_values_beyond_the_bound_do_not_agree(float actual, float expected)
    {
        var findings = new Findings();
        findings.Close([1, actual, 1], [1, expected, 1], 1e-3, 0, [3], "it");
        Assert.That(findings.Mismatches, Has.Count.EqualTo(1).And.One.StartsWith("it: 1 of 3 values differ, most at [1]: "));
        Assert.That(findings.Difference, Is.NaN.Or.GreaterThan(1e-3));
    }

    [Test]
    public void The_difference_reported_is_the_largest_relative_to_its_bound()
    {
        var findings = new Findings();
        findings.Close([100.5f, 1.25f, float.PositiveInfinity], [100, 1, float.PositiveInfinity], 0, 1, [3]);
        Assert.That((findings.Difference, findings.Bound, findings.Mismatches.Count), Is.EqualTo((0.25, 1.0, 0)));
        findings.Close([1], [1, 2], 0, 0, [2]);
        Assert.That(findings.Mismatches, Is.EqualTo(new[] { "1 values instead of 2" }));
    }

    // A device's exp may be off in its last few bits. That must not change which boxes are chosen, or good devices would fail.
    [TestCaseSource(nameof(Problems))]
    public void Boxes_are_chosen_by_clear_margins(object problem)
    {
        var expected = ((DetectionCases.Problem)problem).Expected(0);
        foreach (var change in (float[])[1e-5f, -1e-5f])
        {
            var changed = ((DetectionCases.Problem)problem).Expected(change);
            foreach (var (n, own) in changed.Index())
            {
                Assert.That(own.Classes, Is.EqualTo(expected[n].Classes));
                Reference.Comparison.AssertClose(own.Boxes, expected[n].Boxes, 5e-3, 0, [own.Count, 4]);
                Reference.Comparison.AssertClose(own.Scores, expected[n].Scores, 1e-5, 0, [own.Count]);
            }
        }
    }

    [Test]
    public void The_problems_include_pictures_with_and_without_boxes()
        => Assert.That(
            DetectionCases.Problems.Select(p => string.Join(", ", p.Expected(0).Select(e => e.Count > 0 ? "some" : "none"))),
            Is.EqualTo((string[])
            [
                "some, some", "some, some", "none, none", "some, some", "none, some", "some, some", "none, none", "some, some",
                "some, some", "none, none",
            ]));

    [Test]
    public void The_expected_objects_of_the_shipped_model_are_confident()
        => Assert.That(ShippedModelCase.Expected.Select(e => e.Score), Has.Exactly(6).GreaterThan(0.9).And.All.GreaterThan(0.9));

    [Test]
    public void The_picture_is_the_one_given_to_torchvision()
        => Assert.That(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(ShippedModelCase.Picture().Pixels)),
            Is.EqualTo("2ae00b1da43ef1e916aa6e7223ca38c9a3f2bf9065531ffb0f1dbea59afac1e4"));

    private static OperatorVerification[] Verified(string id, IReadOnlyList<VerifiedOperator> operators)
    {
        using var verification = new DeviceVerification(() => TestDevices.OpenAlone(id), operators);
        var rows = verification.Run().ToArray();
        Assert.That(rows.SelectMany(r => r.Mismatches.Concat(r.Errors).Select(line => $"{r.Operator}, {line}")), Is.Empty);
        Assert.That(rows, Is.Not.Empty.And.All.Property(nameof(OperatorVerification.Passed)).True);
        return rows;
    }

    private sealed class Listener(List<VerificationProgress> told) : IProgress<VerificationProgress>
    {
        public void Report(VerificationProgress value) => told.Add(value);
    }
}
