using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Precomputed proposals for each picture of a source. Fast R-CNN is trained on them, so that the proposal network does not
/// influence the comparison (paper, section 5.2).
/// </summary>
public sealed class GivenProposals
{
    private readonly Dictionary<long, Box[]> byPicture;

    private GivenProposals(Dictionary<long, Box[]> byPicture) => this.byPicture = byPicture;

    /// <summary>Groups proposals by picture.</summary>
    /// <param name="found">The proposals; their classes are ignored.</param>
    /// <param name="most">The number of top-scoring proposals to keep per picture.</param>
    public static GivenProposals Of(IEnumerable<FoundObject> found, int most)
    {
        ArgumentNullException.ThrowIfNull(found);
        return new(found
            .Where(HasBox)
            .GroupBy(proposal => proposal.PictureId)
            .ToDictionary(own => own.Key, own => own.OrderByDescending(p => p.Score).Take(most).Select(ToBox).ToArray()));
    }

    /// <summary>Reads a results file, as <c>fpn proposals</c> writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pictures">The pictures that the proposals belong to.</param>
    /// <param name="most">The number of top-scoring proposals to keep per picture.</param>
    /// <exception cref="AnnotationException">
    /// The file can't be read, is broken, has no proposals, or belongs to other pictures.
    /// </exception>
    public static GivenProposals Read(string path, IPictureSource pictures, int most)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        return Read(path, Enumerable.Range(0, pictures.Count).Select(pictures.IdOf), new AnnotationIds(), most);
    }

    /// <summary>Reads a results file for the pictures of a set, including those that are not learned from.</summary>
    internal static GivenProposals Read(string path, AnnotatedSet set, int most) => Read(path, set.Listed, set.Ids, most);

    private static GivenProposals Read(string path, IEnumerable<long> pictures, AnnotationIds ids, int most)
    {
        // Reading needs only the ids of the pictures.
        var truth = new EvaluationTruth([.. pictures.Select(id => new EvaluatedPicture(id, "", 0, 0))], [], []) { Ids = ids };
        var results = EvaluationResults.Read(path, truth);
        return results.Objects.Count > 0
            ? Of(results.Objects, most)
            : throw new AnnotationException($"'{path}' has no proposals: there is nothing to train Fast R-CNN on.");
    }

    /// <summary>The proposals of a picture, in px of the picture; empty if there are none.</summary>
    public IReadOnlyList<Box> OfPicture(long id) => byPicture.GetValueOrDefault(id, []);

    /// <summary>The proposals of a training sample, cropped, mirrored and resized like its picture, in input px.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="id">The id of its picture.</param>
    internal Box[] OfSample(TrainingSample sample, long id)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var (width, scaleX) = (sample.Image.Width, (float)sample.ResizedW / sample.Image.Width);
        var scaleY = (float)sample.ResizedH / sample.Image.Height;
        return [.. OfPart(id, sample.Part).Select(box =>
        {
            var (left, right) = sample.IsMirrored ? (width - box.X2, width - box.X1) : (box.X1, box.X2);
            return new Box(left * scaleX, box.Y1 * scaleY, right * scaleX, box.Y2 * scaleY);
        })];
    }

    // Clipped to the part, as a proposal network clips to its picture.
    private IEnumerable<Box> OfPart(long id, PixelRectangle? part)
    {
        if (part is not { } of)
            return OfPicture(id);
        return OfPicture(id)
            .Select(box => new Box(
                Math.Clamp(box.X1 - of.Left, 0, of.Width), Math.Clamp(box.Y1 - of.Top, 0, of.Height),
                Math.Clamp(box.X2 - of.Left, 0, of.Width), Math.Clamp(box.Y2 - of.Top, 0, of.Height)))
            .Where(box => box.Width > 0 && box.Height > 0);
    }

    // A results file may have boxes of negative size.
    private static bool HasBox(FoundObject found) => found.BoxImagePx is { Width: >= 0, Height: >= 0 };

    private static Box ToBox(FoundObject found)
    {
        var box = found.BoxImagePx;
        return new Box((float)box.X, (float)box.Y, (float)(box.X + box.Width), (float)(box.Y + box.Height));
    }
}
