using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Tests.Evaluation;

/// <summary>A model's classes find the categories of their names, and never another's.</summary>
public sealed class CategoryMatchTests
{
    private static readonly AnnotatedCategory[] BothCases = [new(3, "Cat"), new(7, "cat")];

    [Test]
    public void Names_that_differ_in_case_match_exactly()
    {
        var match = new CategoryMatch(["background", "cat", "Cat"], BothCases);
        Assert.That(match.Ambiguous, Is.Empty);
        Assert.That((CategoryOf(match, "cat"), CategoryOf(match, "Cat")), Is.EqualTo((7L, 3L)));
        Assert.That((match.NotInModel, match.NotInTruth), Is.EqualTo((Array.Empty<string>(), Array.Empty<string>())));
    }

    [Test]
    public void A_name_that_occurs_once_matches_in_any_case()
        => Assert.That(CategoryOf(new CategoryMatch(["CAT"], [new(3, "cat"), new(4, "dog")]), "CAT"), Is.EqualTo(3));

    [Test]
    public void An_exact_name_leaves_nothing_for_a_similar_one()
    {
        var match = new CategoryMatch(["cat", "CAT"], [new(3, "cat")]);
        Assert.That(match.Ambiguous, Is.Empty);
        Assert.That((CategoryOf(match, "cat"), CategoryOf(match, "CAT")), Is.EqualTo((3L, (long?)null)));
        Assert.That(match.NotInTruth, Is.EqualTo(["CAT"]));
    }

    [Test]
    public void A_name_that_the_truth_has_twice_is_ambiguous()
    {
        var match = new CategoryMatch(["cat"], [new(3, "cat"), new(7, "cat")]);
        Assert.That(match.Ambiguous, Is.EqualTo(["'cat' of the model and 'cat', 'cat' of the truth"]));
        Assert.That(CategoryOf(match, "cat"), Is.Null);
    }

    [Test]
    public void A_name_that_is_similar_to_two_others_is_ambiguous()
        => Assert.That(new CategoryMatch(["CAT"], BothCases).Ambiguous, Is.EqualTo(["'CAT' of the model and 'Cat', 'cat' of the truth"]));

    [Test]
    public void A_name_that_the_model_has_twice_is_ambiguous()
        => Assert.That(
            new CategoryMatch(["cat", "cat", "dog"], [new(3, "cat"), new(4, "dog")]).Ambiguous,
            Is.EqualTo(["'cat', 'cat' of the model and 'cat' of the truth"]));

    private static long? CategoryOf(CategoryMatch match, string label)
        => match.ToFound(new DetectedObject(label, 1, 0.5f, default), pictureId: 1)?.CategoryId;
}
