"""Makes scripts.png: the demo's certificate in twenty-one languages, by `locales` alone.

    python docs/pictures/scripts.py             the sheet
    python docs/pictures/scripts.py --to var    and each certificate as a PDF of its own

Its letters come from the Noto fonts that are installed here; names are invented.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pymupdf_fonts
import yaml
from fontTools.ttLib import TTCollection
from PIL import Image, ImageDraw, ImageFont

from conferral import pictures
from conferral.contract import GenerationRequest, IssuerSnapshot, sample_request
from conferral.contract.options import parse
from conferral.contract.testing import MemoryAssets
from conferral.generators.pdf import PDF

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "demo"
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
)
MISSING = """\
docs/pictures/scripts.py: these fonts are not installed here: {}.
Debian and Ubuntu: apt install fonts-noto-core fonts-noto-cjk. Elsewhere: https://notofonts.github.io (static fonts).
"""

COLUMNS, WIDTH, HEIGHT, GAP, CAPTION = 3, 480, 340, 20, 22
GROUND, INK = "#e7e7e4", "#5b5b66"
BOXES = {
    "issuer": (86, 28),
    "title": (112, 56),
    "lead": (193, 30),
    "name": (224, 68),
    "deed": (292, 29),
    "course": (321, 45),
    "hours": (366, 24),
    "signature-caption": (491, 22),
    "id-caption": (491, 22),
}
"""Top edge and height: Nastaliq and Burmese are taller than Latin, and shrink where they would touch."""


@dataclass(frozen=True, slots=True)
class Language:
    """What a certificate says in it; `font` is a file, behind # its face; empty: the demo's."""

    name: str
    locale: str
    font: str
    issuer: str
    title: str
    lead: str
    learner: str
    deed: str
    course: str
    hours: str
    rector: str
    verification: str


LANGUAGES = tuple(
    Language(*(cell.strip() for cell in " ".join(lines.split("\n")).split("|")))
    for lines in """
Latin: Polish | pl | | Uniwersytet Demo | Dyplom ukończenia kursu | Zaświadcza się, że | Małgorzata Świętochowska
| ukończyła kurs | Wprowadzenie do informatyki | godzin nauki | Rektor | Weryfikacja

Latin: Vietnamese | vi | | Đại học Demo | Giấy chứng nhận | Chứng nhận | Nguyễn Thị Ánh Tuyết
| đã hoàn thành khóa học | Nhập môn khoa học máy tính | giờ học | Hiệu trưởng | Xác minh

Greek | el | | Πανεπιστήμιο Demo | Βεβαίωση ολοκλήρωσης | Βεβαιώνεται ότι η | Ελευθερία Παπαδοπούλου
| ολοκλήρωσε το μάθημα | Εισαγωγή στην Πληροφορική | ώρες διδασκαλίας | Πρύτανης | Επαλήθευση

Cyrillic: Ukrainian | uk | | Університет Демо | Сертифікат | Цим засвідчується, що | Євгенія Їжакевич
| успішно завершила курс | Вступ до інформатики | годин навчання | Ректор | Перевірка

Armenian | hy | NotoSerifArmenian-Regular.ttf | Դեմո համալսարան | Վկայական | Սույնով հաստատվում է, որ
| Անահիտ Հովհաննիսյան | ավարտել է դասընթացը | Ինֆորմատիկայի ներածություն | ժամ ուսուցում | Ռեկտոր | Ստուգում

Georgian | ka | NotoSerifGeorgian-Regular.ttf | დემო უნივერსიტეტი | სერტიფიკატი | სერტიფიკატის მფლობელი
| ქეთევან ჯავახიშვილი | დასრულებული კურსი | ინფორმატიკის შესავალი | საათი | რექტორი | შემოწმება

Hebrew | he | NotoSerifHebrew-Regular.ttf | אוניברסיטת דמו | תעודת סיום | הרינו לאשר כי | נועה אברמוביץ׳
| סיימה את הקורס | מבוא למדעי המחשב | שעות לימוד | רקטור | אימות

Arabic | ar | NotoNaskhArabic-Regular.ttf | جامعة ديمو | شهادة إتمام | نشهد بأن | عائشة بنت خالد المنصوري
| قد أتمّت بنجاح مقرر | مقدمة في علوم الحاسوب | ساعة دراسية | رئيس الجامعة | التحقق

Arabic: Persian | fa | NotoNaskhArabic-Regular.ttf | دانشگاه دمو | گواهی پایان دوره | بدین‌وسیله گواهی می‌شود که
| شیرین‌دخت پورمحمدی | این دوره را به پایان رسانده است | درآمدی بر علوم رایانه | ساعت آموزش | رئیس دانشگاه | اعتبارسنجی

Arabic: Urdu | ur | NotoNastaliqUrdu-Regular.ttf | ڈیمو یونیورسٹی | سند | تصدیق کی جاتی ہے کہ | محمد ارسلان قریشی
| نے یہ کورس مکمل کر لیا ہے | کمپیوٹر سائنس کا تعارف | گھنٹے | وائس چانسلر | تصدیق

Devanagari: Hindi | hi | NotoSerifDevanagari-Regular.ttf | डेमो विश्वविद्यालय | प्रमाण-पत्र | प्रमाणित किया जाता है कि
| क्षितिजा श्रीवास्तव | ने यह पाठ्यक्रम पूर्ण किया है | कंप्यूटर विज्ञान का परिचय | घंटे का अध्ययन | कुलपति | सत्यापन

Bengali | bn | NotoSerifBengali-Regular.ttf | ডেমো বিশ্ববিদ্যালয় | সনদপত্র | এই মর্মে প্রত্যয়ন করা যাচ্ছে যে
| শ্রীময়ী চট্টোপাধ্যায় | এই কোর্সটি সম্পন্ন করেছেন | কম্পিউটার বিজ্ঞানের ভূমিকা | ঘণ্টা অধ্যয়ন | উপাচার্য | যাচাই

Tamil | ta | NotoSerifTamil-Regular.ttf | டெமோ பல்கலைக்கழகம் | நிறைவுச் சான்றிதழ் | இதன் மூலம் சான்றளிக்கப்படுவது
| கௌசல்யா ஸ்ரீநிவாசன் | இப்பாடநெறியை நிறைவு செய்துள்ளார் | கணினி அறிவியல் அறிமுகம் | மணிநேரப் படிப்பு
| துணைவேந்தர் | சரிபார்ப்பு

Telugu | te | NotoSerifTelugu-Regular.ttf | డెమో విశ్వవిద్యాలయం | ధృవీకరణ పత్రం | ఇందుమూలముగా ధృవీకరించడమైనది
| శ్రీలక్ష్మి కృష్ణమూర్తి | ఈ కోర్సును పూర్తి చేశారు | కంప్యూటర్ శాస్త్ర పరిచయం | గంటల అధ్యయనం | ఉపకులపతి | తనిఖీ

Thai | th | NotoSerifThai-Regular.ttf | มหาวิทยาลัยเดโม | ประกาศนียบัตร | ขอรับรองว่า | กุลธิดา ที่รุ่งเรือง
| สำเร็จหลักสูตร | วิทยาการคอมพิวเตอร์เบื้องต้น | ชั่วโมง | อธิการบดี | ตรวจสอบ

Burmese | my | NotoSerifMyanmar-Regular.ttf | ဒီမို တက္ကသိုလ် | အောင်လက်မှတ် | ဤလက်မှတ်ကို ချီးမြှင့်အပ်ပါသည် | ခင်မြတ်နိုး
| အောက်ပါသင်တန်း ပြီးမြောက်ခဲ့ပါသည် | ကွန်ပျူတာသိပ္ပံ မိတ်ဆက် | နာရီ | ပါမောက္ခချုပ် | စိစစ်ရန်

Khmer | km | NotoSerifKhmer-Regular.ttf | សាកលវិទ្យាល័យដេម៉ូ | វិញ្ញាបនបត្រ | សូមបញ្ជាក់ថា | សុខ ស្រីមុំ
| បានបញ្ចប់វគ្គសិក្សា | សេចក្តីផ្តើមវិទ្យាសាស្ត្រកុំព្យូទ័រ | ម៉ោងសិក្សា | សាកលវិទ្យាធិការ | ផ្ទៀងផ្ទាត់

Ethiopic: Amharic | am | NotoSerifEthiopic-Regular.ttf | ዴሞ ዩኒቨርሲቲ | የምስክር ወረቀት | በዚህ ይረጋገጣል | ሰላማዊት ገብረማርያም
| ኮርሱን በተሳካ ሁኔታ አጠናቃለች | የኮምፒውተር ሳይንስ መግቢያ | ሰዓታት | ፕሬዚዳንት | ማረጋገጫ

Chinese | zh-Hans | NotoSerifCJK-Regular.ttc#NotoSerifCJKsc-Regular | 演示大学 | 结业证书 | 兹证明 | 欧阳静宜
| 已完成课程 | 计算机科学导论 | 学时 | 校长 | 验证

Japanese | ja | NotoSerifCJK-Regular.ttc#NotoSerifCJKjp-Regular | デモ大学 | 修了証書 | 下記の者は | 東海林 あかね
| 次の課程を修了したことを証します | 計算機科学入門 | 時間 | 学長 | 検証

Korean | ko | NotoSerifCJK-Regular.ttc#NotoSerifCJKkr-Regular | 데모 대학교 | 수료증 | 아래 사람은 | 남궁하늘
| 다음 과정을 수료하였음을 증명합니다 | 컴퓨터 과학 입문 | 시간 이수 | 총장 | 확인
""".strip().split("\n\n")
)


def main() -> int:
    """Makes the sheet; 1 when fonts are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, help="a folder for the certificates themselves")
    folder = parser.parse_args().to
    there = installed()
    if missing := sorted({one.font.split("#")[0] for one in LANGUAGES if one.font} - there.keys()):
        sys.stderr.write(MISSING.format(", ".join(missing)))
        return 1
    certificates = list(made(there))
    for language, content in zip(LANGUAGES, certificates, strict=True):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{language.locale}.pdf").write_bytes(content)
    sheet(certificates).quantize(256, dither=Image.Dither.NONE).save(HERE / "scripts.png", optimize=True)
    return 0


def installed() -> dict[str, Path]:
    """The Noto fonts of this computer, by file name."""
    return {
        path.name: path for folder in FOLDERS for path in sorted(Path(folder).expanduser().rglob("Noto*.[to]t[fc]"))
    }


def made(there: dict[str, Path]) -> Iterator[bytes]:
    """The certificate in each language, of one design."""
    with (DEMO / "credentials.yaml").open(encoding="utf-8") as file:
        declared = yaml.safe_load(file)
    contents = {asset["slug"]: (DEMO / asset["file"]).read_bytes() for asset in declared["assets"]}
    contents |= {slug(one): face(there, one.font) for one in LANGUAGES if one.font}
    options = declared["types"][0]["generators"]["certificate"]["options"]
    for name, element in options["elements"].items():
        if name in BOXES:
            element["y"], element["height"] = BOXES[name]
            element["locales"] = {one.locale: {**said(one, name), **own_font(one)} for one in LANGUAGES}
    generator = PDF()
    design = generator.prepare(parse(PDF.Options, options, "options"), MemoryAssets(contents))
    for language in LANGUAGES:
        (artifact,) = generator.generate(design, request(language))
        assert artifact.content is not None  # a PDF is a file
        yield artifact.content


def said(language: Language, element: str) -> dict[str, str]:
    """What an element says in that language; name, course, title and issuer are the credential's own."""
    joined = "" if language.locale in ("zh-Hans", "ja", "ko") else " "
    texts = {
        "lead": language.lead,
        "deed": language.deed,
        "hours": f"{{field.hours}}{joined}{language.hours} · {{issued}}",
        "signature-caption": language.rector,
        "id-caption": language.verification,
    }
    return {"text": texts[element]} if element in texts else {}


def own_font(language: Language) -> dict[str, str]:
    """The font of that language; the demo's italic has Latin alone, and so the upright stands in."""
    if language.font:
        return {"font": slug(language)}
    return {} if language.name.startswith("Latin") else {"font": "garamond"}


def slug(language: Language) -> str:
    """The font's name among the assets."""
    return language.font.split("#")[-1].split(".")[0].lower()


def face(there: dict[str, Path], name: str) -> bytes:
    """A font file; of a collection one face."""
    file, _, wanted = name.partition("#")
    if not wanted:
        return there[file].read_bytes()
    with TTCollection(there[file], lazy=True) as collection:
        (found,) = [font for font in collection if font["name"].getDebugName(6) == wanted]
        written = io.BytesIO()
        found.save(written, reorderTables=None)
        return written.getvalue()


def request(language: Language) -> GenerationRequest:
    """A credential of that language's learner."""
    return sample_request(
        name=language.learner,
        type=language.title,
        context=language.course,
        issuer=IssuerSnapshot(language.issuer, "https://demo.example"),
        locale=language.locale,
    )


def sheet(certificates: list[bytes]) -> Image.Image:
    """The certificates beside each other, what each is written in beneath it."""
    rows = -(-len(certificates) // COLUMNS)
    size = (COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + CAPTION + GAP) + GAP)
    made = Image.new("RGB", size, GROUND)
    pen = ImageDraw.Draw(made)
    font = ImageFont.truetype(io.BytesIO(pymupdf_fonts.myfont("figo")), 14)
    for position, (language, content) in enumerate(zip(LANGUAGES, certificates, strict=True)):
        row, column = divmod(position, COLUMNS)
        left, top = GAP + column * (WIDTH + GAP), GAP + row * (HEIGHT + CAPTION + GAP)
        drawn = pictures.draw(content, width=3 * WIDTH, height=3 * HEIGHT)
        drawn = drawn.resize((drawn.width // 3, drawn.height // 3), Image.Resampling.LANCZOS)
        made.paste(drawn, (left + (WIDTH - drawn.width) // 2, top + (HEIGHT - drawn.height) // 2))
        pen.text((left + WIDTH / 2, top + HEIGHT + 4), language.name, INK, font, anchor="mt")
    return made


if __name__ == "__main__":
    sys.exit(main())
